import { type SchemaOptions, type TSchema, Type } from '@sinclair/typebox'

/** The largest value of Postgres's `integer`. */
export const MAX_INTEGER = 2 ** 31 - 1

export const Id = Type.Integer({ minimum: 1, maximum: MAX_INTEGER })

export const IdParams = Type.Object({
  id: Type.Integer({
    minimum: 1,
    maximum: MAX_INTEGER,
    description: 'Whole and from 1 up, in digits alone.',
    examples: [1],
  }),
})

/** A `Date` in the code, ISO 8601 on the wire. */
export const Timestamp = Type.Unsafe<Date>({ type: 'string', format: 'date-time' })

export const Message = Type.Object(
  { message: Type.String({ description: 'For a person to read.' }) },
  { title: 'Message', description: 'It is done.' },
)

/** The header of a 201. */
export const LOCATION = { Location: Type.String({ description: 'The path of what was made.' }) }

/** The schema, with what one operation says of it as its answer. */
export function answer<T extends TSchema>(
  schema: T,
  { description = schema.description, ...options }: SchemaOptions,
): T {
  return { ...schema, ...options, 'x-response-description': description }
}

/**
 * A member that clients may leave out and handlers can count on: validation puts the schema's default in its place,
 * which is why its type is not that of an optional one.
 */
export function withDefault<T extends TSchema>(schema: T): T {
  return Type.Optional(schema) as unknown as T
}
