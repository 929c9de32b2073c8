import { type SchemaOptions, type TSchema, Type } from '@sinclair/typebox'

/** The largest value of Postgres's `integer`. */
export const MAX_INTEGER = 2 ** 31 - 1

export const Id = Type.Integer({ minimum: 1, maximum: MAX_INTEGER })

export const IdParams = Type.Object({
  id: Type.Integer({ ...Id, description: 'A positive integer.', examples: [1] }),
})

/** A `Date` in the code, ISO 8601 in a response. */
export const Timestamp = Type.Unsafe<Date>({ type: 'string', format: 'date-time' })

export const Message = Type.Object(
  { message: Type.String({ description: 'For a person to read.' }) },
  { title: 'Message', description: 'Success.' },
)

/** The header of a 201. */
export const LOCATION = { Location: Type.String({ description: 'The path of the new resource.' }) }

/** Returns the schema with a description, headers or examples of one operation's response. */
export function describeResponse<T extends TSchema>(
  schema: T,
  { description = schema.description, ...options }: SchemaOptions,
): T {
  return { ...schema, ...options, 'x-response-description': description }
}

/** Marks a member that clients may omit. Its type is not optional, since validation sets the schema's default. */
export function withDefault<T extends TSchema>(schema: T): T {
  return Type.Optional(schema) as unknown as T
}
