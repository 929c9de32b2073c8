import { type TSchema, Type } from '@sinclair/typebox'
import { PROBLEMS, type ProblemCode, Problem as ProblemError } from '../problem.ts'
import { DETAILS, MEANINGS } from './problem-words.ts'

/** Any operation can be sent what is no request, more than is read, or a repeated query key; and any can fail. */
const ALWAYS: ProblemCode[] = [
  'MALFORMED_REQUEST',
  'REQUEST_TIMEOUT',
  'URI_TOO_LONG',
  'UNSUPPORTED_MEDIA_TYPE',
  'VALIDATION_FAILED',
  'INTERNAL',
  'OVERLOADED',
  'DATABASE_UNAVAILABLE',
]

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
 * @param codes What the route can answer; as `[code, detail]` where the example needs a detail of its own.
 *
 * @example
 * response: { 200: UserOut, ...problems(...TOKEN, ['NOT_FOUND', 'No user has the id 4711.']) }
 */
export function problems(...codes: (ProblemCode | readonly [ProblemCode, string])[]): Record<never, never> {
  const details = new Map<ProblemCode, string>()
  for (const one of [...ALWAYS, ...codes]) {
    const [code, detail] = typeof one === 'string' ? [one, DETAILS[one]] : one
    details.set(code, detail)
  }
  const byStatus: Record<number, ProblemCode[]> = {}
  for (const code of details.keys()) {
    const status = PROBLEMS[code]
    byStatus[status] = [...(byStatus[status] ?? []), code]
  }
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, codes]) => [status, response(Number(status), codes, details)]),
  )
}

function response(status: number, codes: ProblemCode[], details: Map<ProblemCode, string>) {
  const headers = HEADERS[status]
  return {
    description: codes.map((code) => `\`${code}\`: ${MEANINGS[code]}`).join('\n\n'),
    ...(headers && { headers }),
    content: {
      'application/problem+json': {
        schema: document(status, codes),
        examples: Object.fromEntries(
          codes.map((code) => [code, { value: example(code, details.get(code)) }]),
        ),
      },
    },
  }
}

const HEADERS: Record<number, Record<string, TSchema>> = {
  401: {
    'WWW-Authenticate': Type.String({
      description: 'The challenge of RFC 6750: `Bearer`, and what is wrong with the token, if there was one.',
    }),
  },
  429: { 'Retry-After': Type.String({ description: 'Seconds to wait.' }) },
  503: { 'Retry-After': Type.String({ description: 'Seconds to wait; not with every code.' }) },
}

const InvalidValue = Type.Object({
  in: Type.String({ description: 'body, params or querystring' }),
  path: Type.String({ description: 'A JSON Pointer to the value.' }),
  message: Type.String({ description: 'What was expected of it.' }),
})

const ProblemDocument = Type.Object(
  {
    type: Type.String({ format: 'uri-reference', description: 'The page that explains the error.' }),
    title: Type.String({ description: 'What the HTTP status means.' }),
    status: Type.Integer({ description: 'The HTTP status.' }),
    detail: Type.String({ description: 'What went wrong, for a person to read.' }),
    code: Type.String({ description: 'What went wrong, for a program to look at.' }),
    instance: Type.String({ description: "The request's id, as in the log." }),
    errors: Type.Optional(Type.Array(InvalidValue, { description: 'Each value that is wrong, if any is.' })),
  },
  { title: 'Problem', description: 'Why a request failed (RFC 9457).' },
)

/** A problem document of this status: one of these codes. */
function document(status: number, codes: ProblemCode[]): TSchema {
  return Type.Unsafe({
    allOf: [
      ProblemDocument,
      {
        type: 'object',
        ...(status === PROBLEMS.VALIDATION_FAILED && { required: ['errors'] }),
        properties: { status: { type: 'integer', enum: [status] }, code: { type: 'string', enum: codes } },
      },
    ],
  })
}

function example(code: ProblemCode, detail = ''): object {
  const errors = [{ in: 'querystring', path: '/again', message: 'must be given once' }]
  return new ProblemError(code, detail, code === 'VALIDATION_FAILED' ? { errors } : {}).toDocument('req-1a')
}
