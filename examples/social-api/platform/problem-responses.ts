/**
 * Protects clients from surprises: the OpenAPI document lists, for each operation, every problem that it can send.
 */
import { type TSchema, Type } from '@sinclair/typebox'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { DEFAULT_DETAILS, PROBLEM_STATUS, Problem, type ProblemCode } from '../src/problem.ts'

/** What each code means, for the list of an operation's responses. `docs/errors` has a page for each. */
const MEANINGS: Readonly<Record<ProblemCode, string>> = {
  MALFORMED_REQUEST: 'the request cannot be read as HTTP, as JSON or as a bearer token.',
  NOT_AUTHENTICATED: 'there is no token. Log in first.',
  TOKEN_INVALID: 'the token is forged, cut off or expired, or its user no longer exists. Log in again.',
  INVALID_CREDENTIALS: 'the email or the password is wrong; the response does not say which.',
  NOT_OWNER: 'it belongs to another user.',
  NOT_FOUND: 'it does not exist, or you may not see it.',
  METHOD_NOT_ALLOWED: 'the path is right, the method is not.',
  REQUEST_TIMEOUT: 'the request took too long to arrive.',
  CONFLICT: 'another request changed the same data at the same time. Read it, and try again.',
  EMAIL_TAKEN: 'another user has signed up with this email.',
  ALREADY_VOTED: 'you have already voted for this post.',
  PAYLOAD_TOO_LARGE: 'the body is larger than the limit.',
  URI_TOO_LONG: 'the request target is longer than the limit.',
  UNSUPPORTED_MEDIA_TYPE: 'the type or the encoding of the body is not supported here.',
  VALIDATION_FAILED: 'a value is missing, of the wrong type or out of bounds: `errors` lists each.',
  TOO_MANY_REQUESTS: 'you have reached a rate limit. Try again after `Retry-After` seconds.',
  HEADERS_TOO_LARGE: 'the request headers are larger than the limit.',
  INTERNAL: 'the service failed. The request is not the cause.',
  OVERLOADED: 'the service is overloaded. Try again after `Retry-After` seconds.',
  DATABASE_UNAVAILABLE: 'the database does not respond. Try again later.',
  COMMIT_OUTCOME_UNKNOWN: 'the change may or may not be stored. Look before you try again.',
}

type WithDetail = readonly [code: ProblemCode, detail: string]

declare module 'fastify' {
  interface FastifySchema {
    /** The codes of the route's own problems; `[code, detail]` if the example needs a detail of its own. */
    problems?: readonly (ProblemCode | WithDetail)[]
  }
}

/** Adds each route's problems to its `response`: its own ones, and those that follow from what it reads and does. */
export function registerProblemResponses(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    if (route.schema?.response === undefined) return
    route.schema = { ...route.schema, response: { ...toResponses(route), ...route.schema.response } }
  })
}

function toResponses({ method, config, schema = {} }: RouteOptions): Record<number, unknown> {
  const isWrite = method !== 'GET' && method !== 'HEAD'
  const codes = [
    ...(['MALFORMED_REQUEST', 'REQUEST_TIMEOUT', 'URI_TOO_LONG', 'HEADERS_TOO_LARGE'] as const),
    ...([
      'UNSUPPORTED_MEDIA_TYPE',
      'VALIDATION_FAILED',
      'INTERNAL',
      'OVERLOADED',
      'DATABASE_UNAVAILABLE',
    ] as const),
    ...(config?.rateLimit === false ? [] : (['TOO_MANY_REQUESTS'] as const)),
    ...(schema.security ? (['NOT_AUTHENTICATED', 'TOKEN_INVALID'] as const) : []),
    ...(isWrite ? (['PAYLOAD_TOO_LARGE', 'CONFLICT', 'COMMIT_OUTCOME_UNKNOWN'] as const) : []),
    ...(schema.problems ?? []),
  ]
  const details = new Map(codes.map((one) => (typeof one === 'string' ? [one, DEFAULT_DETAILS[one]] : one)))
  const byStatus: Record<number, ProblemCode[]> = {}
  for (const code of details.keys()) {
    const status = PROBLEM_STATUS[code]
    byStatus[status] = [...(byStatus[status] ?? []), code]
  }
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, group]) => [status, describe(Number(status), group, details)]),
  )
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

function describe(status: number, codes: ProblemCode[], details: Map<ProblemCode, string>) {
  const headers = HEADERS[status]
  return {
    description: codes.map((code) => `\`${code}\`: ${MEANINGS[code]}`).join('\n\n'),
    ...(headers && { headers }),
    content: {
      'application/problem+json': {
        schema: documentSchema(status, codes),
        examples: Object.fromEntries(
          codes.map((code) => [code, { value: example(code, details.get(code)) }]),
        ),
      },
    },
  }
}

const InvalidValue = Type.Object({
  in: Type.String({ description: 'body, params or querystring' }),
  path: Type.String({ description: 'A JSON Pointer to the value.' }),
  message: Type.String({ description: 'What was expected.' }),
})

const ProblemDocument = Type.Object(
  {
    type: Type.String({ format: 'uri-reference', description: 'The page that explains the error.' }),
    title: Type.String({ description: 'The meaning of the HTTP status.' }),
    status: Type.Integer({ description: 'The HTTP status.' }),
    detail: Type.String({ description: 'What went wrong, for a person to read.' }),
    code: Type.String({ description: 'What went wrong, for a program to compare.' }),
    instance: Type.String({ description: "The request's id, as in the log." }),
    errors: Type.Optional(Type.Array(InvalidValue, { description: 'Each invalid value, if there is any.' })),
  },
  { title: 'Problem', description: 'Why a request failed (RFC 9457).' },
)

/** The problem documents of one status: each has one of these codes. */
function documentSchema(status: number, codes: ProblemCode[]): TSchema {
  return Type.Unsafe({
    allOf: [
      ProblemDocument,
      {
        type: 'object',
        ...(status === PROBLEM_STATUS.VALIDATION_FAILED && { required: ['errors'] }),
        properties: { status: { type: 'integer', enum: [status] }, code: { type: 'string', enum: codes } },
      },
    ],
  })
}

function example(code: ProblemCode, detail = ''): object {
  const errors = [{ in: 'querystring', path: '/again', message: 'must be given once' }]
  return new Problem(code, detail, code === 'VALIDATION_FAILED' ? { errors } : {}).toDocument('req-1a')
}
