import { type TSchema, Type } from '@sinclair/typebox'
import { PROBLEMS, type ProblemCode } from '../problem.ts'

/** Any operation can be sent a repeated query key, or fail. */
const ALWAYS: ProblemCode[] = ['VALIDATION_FAILED', 'INTERNAL', 'OVERLOADED', 'DATABASE_UNAVAILABLE']

/** What a route that asks for a token can answer without a good one. */
export const TOKEN: ProblemCode[] = ['MALFORMED_REQUEST', 'NOT_AUTHENTICATED', 'TOKEN_INVALID']
/** What a route with an id in its path can answer to a bad one. */
export const PATH: ProblemCode[] = ['MALFORMED_REQUEST', 'URI_TOO_LONG']
/** What a route with a body can answer to a bad one. */
export const BODY: ProblemCode[] = ['MALFORMED_REQUEST', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE']
/** What a route that writes can answer when its transaction is not committed. */
export const WRITE: ProblemCode[] = ['CONFLICT', 'COMMIT_OUTCOME_UNKNOWN']

/**
 * The entries that a route's `response` has for its problems, one a status, under the media type they are sent with.
 *
 * They are not part of the route's type: a handler throws a `Problem`, it never returns one.
 *
 * @example
 * response: { 200: PostOut, ...problems(...TOKEN, ...PATH, 'NOT_FOUND') }
 */
export function problems(...codes: ProblemCode[]): Record<never, never> {
  const byStatus: Record<number, ProblemCode[]> = {}
  for (const code of new Set([...codes, ...ALWAYS])) {
    const status = PROBLEMS[code]
    byStatus[status] = [...(byStatus[status] ?? []), code]
  }
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, codes]) => [
      status,
      {
        description: codes.join(', '),
        content: { 'application/problem+json': { schema: document(Number(status), codes) } },
      },
    ]),
  )
}

function document(status: number, codes: ProblemCode[]): TSchema {
  return Type.Object({
    type: Type.String({ format: 'uri-reference', description: 'The page that explains the error.' }),
    title: Type.String(),
    status: Type.Integer({ minimum: status, maximum: status }),
    detail: Type.String(),
    code: Type.Unsafe<ProblemCode>({ type: 'string', enum: codes }),
    instance: Type.String({ description: "The request's id, as in the log." }),
    ...(status === PROBLEMS.VALIDATION_FAILED && { errors: Type.Array(InvalidValue) }),
  })
}

const InvalidValue = Type.Object({
  in: Type.String({ description: 'body, params or querystring' }),
  path: Type.String({ description: 'A JSON Pointer to the value.' }),
  message: Type.String(),
})
