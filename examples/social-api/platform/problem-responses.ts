/** Protects clients from surprises: the OpenAPI document lists, for each operation, every problem that it can send. */
import { type TSchema, Type } from '@sinclair/typebox'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { PROBLEMS, Problem, type ProblemCode } from '../src/problem.ts'

type WithDetail = readonly [code: ProblemCode, detail: string]

declare module 'fastify' {
  interface FastifySchema {
    /** The codes of the route's own problems; `[code, detail]` if the example needs another detail. */
    problems?: readonly (ProblemCode | WithDetail)[]
  }
}

const InvalidValue = Type.Object({
  in: Type.String({ description: 'body, params or querystring' }),
  path: Type.String({ description: 'A JSON Pointer to the value.' }),
  message: Type.String({ description: 'The expected value.' }),
})

const ProblemSchema = Type.Object(
  {
    type: Type.String({ format: 'uri-reference', description: 'The page that explains the error.' }),
    title: Type.String({ description: 'The meaning of the HTTP status.' }),
    status: Type.Integer({ description: 'The HTTP status.' }),
    detail: Type.String({ description: 'The cause, for a person to read.' }),
    code: Type.String({ description: 'The cause, for a program to compare.' }),
    instance: Type.String({ description: "The request's id, as in the log." }),
    errors: Type.Optional(Type.Array(InvalidValue, { description: 'Each invalid value, if there is any.' })),
  },
  { title: 'Problem', description: 'Why a request failed (RFC 9457).' },
)

/** Adds each route's problems to its `response`: its own ones, and those that follow from what it reads and does. */
export function registerProblemResponses(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    if (route.schema?.response === undefined) return
    route.schema = { ...route.schema, response: { ...toResponses(route), ...route.schema.response } }
  })
}

/** The problems of an operation, by their causes. */
const BY_CAUSE = {
  http: ['REQUEST_TIMEOUT', 'URI_TOO_LONG', 'HEADERS_TOO_LARGE'],
  input: ['MALFORMED_REQUEST', 'UNSUPPORTED_MEDIA_TYPE', 'VALIDATION_FAILED'],
  failure: ['INTERNAL', 'OVERLOADED', 'DATABASE_UNAVAILABLE'],
  limit: ['TOO_MANY_REQUESTS'],
  token: ['NOT_AUTHENTICATED', 'TOKEN_INVALID'],
  write: ['PAYLOAD_TOO_LARGE', 'CONFLICT', 'COMMIT_OUTCOME_UNKNOWN'],
} satisfies Record<string, ProblemCode[]>

function toResponses({ method, config, schema = {} }: RouteOptions): Record<string, unknown> {
  const { http, input, failure, limit, token, write } = BY_CAUSE
  const codes = [
    ...http,
    ...input,
    ...failure,
    ...(config?.rateLimit === false ? [] : limit),
    ...(schema.security ? token : []),
    ...(method === 'GET' || method === 'HEAD' ? [] : write),
    ...(schema.problems ?? []),
  ]
  const byStatus: Record<string, Example[]> = {}
  for (const example of codes.map(toExample)) {
    byStatus[example.status] = [...(byStatus[example.status] ?? []), example]
  }
  return Object.fromEntries(
    Object.entries(byStatus).map(([status, group]) => [status, describe(Number(status), group)]),
  )
}

type Example = ReturnType<Problem['toDocument']>

function toExample(one: ProblemCode | WithDetail): Example {
  const [code, detail] = typeof one === 'string' ? [one] : one
  const errors = [{ in: 'querystring', path: '/again', message: 'must be given once' }]
  return new Problem(code, detail, code === 'VALIDATION_FAILED' ? { errors } : {}).toDocument('req-1a')
}

const HEADERS: Record<number, Record<string, TSchema>> = {
  401: { 'WWW-Authenticate': Type.String({ description: 'The challenge of RFC 6750, section 3.' }) },
  429: { 'Retry-After': Type.String({ description: 'Seconds to wait.' }) },
  503: { 'Retry-After': Type.String({ description: 'Seconds to wait; not with every code.' }) },
}

/** Describes the response of one status: a problem document with one of these codes. */
function describe(status: number, examples: Example[]) {
  const codes = examples.map(({ code }) => code)
  const details = {
    type: 'object',
    ...(status === PROBLEMS.VALIDATION_FAILED.status && { required: ['errors'] }),
    properties: { status: { type: 'integer', enum: [status] }, code: { type: 'string', enum: codes } },
  }
  return {
    description: examples
      .map(({ code, detail, type }) => `\`${code}\`: “${detail}” ([what it means](${type}))`)
      .join('\n\n'),
    ...(status in HEADERS && { headers: HEADERS[status] }),
    content: {
      'application/problem+json': {
        schema: { allOf: [ProblemSchema, details] },
        examples: Object.fromEntries(examples.map((value) => [value.code, { value }])),
      },
    },
  }
}
