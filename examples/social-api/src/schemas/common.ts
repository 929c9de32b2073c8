import { Type } from '@sinclair/typebox'

/** The largest value of Postgres's `integer`. */
const MAX_INTEGER = 2 ** 31 - 1

export const Id = Type.Integer({ minimum: 1, maximum: MAX_INTEGER, examples: [1] })

export const IdParams = Type.Object({ id: Id })

/** A `Date` in the code, ISO 8601 on the wire. */
export const Timestamp = Type.Unsafe<Date>({
  type: 'string',
  format: 'date-time',
  examples: ['2026-01-05T09:30:00.000Z'],
})

export const Message = Type.Object({ message: Type.String() })

export const Page = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 10, description: 'How many to answer with.' }),
  skip: Type.Integer({ minimum: 0, maximum: MAX_INTEGER, default: 0, description: 'How many to pass over.' }),
})
