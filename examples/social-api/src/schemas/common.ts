import { type TSchema, Type } from '@sinclair/typebox'

/** The largest value of Postgres's `integer`. */
export const MAX_INTEGER = 2 ** 31 - 1

export const Id = Type.Integer({ minimum: 1, maximum: MAX_INTEGER, examples: [1] })

export const IdParams = Type.Object({ id: Id })

/** A `Date` in the code, ISO 8601 on the wire. */
export const Timestamp = Type.Unsafe<Date>({
  type: 'string',
  format: 'date-time',
  examples: ['2026-01-05T09:30:00.000Z'],
})

export const Message = Type.Object({ message: Type.String() }, { description: 'It is done.' })

/**
 * A member that clients may leave out and handlers can count on: validation puts the schema's default in its place,
 * which is why its type is not that of an optional one.
 */
export function withDefault<T extends TSchema>(schema: T): T {
  return Type.Optional(schema) as unknown as T
}
