/** Protects clients from surprises: the OpenAPI document lists, for each operation, every problem that it can send. */
import { type TObject, type TSchema, Type } from '@sinclair/typebox'
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify'
import { PROBLEMS, Problem, type ProblemCode } from '../src/problem.ts'
import { createValidationProblem } from './errors.ts'
import { createRepeatedKeyProblem } from './validation.ts'

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
    const response = { ...toResponses(route), ...route.schema.response }
    route.schema = { ...route.schema, response }
  })
}

/** The problems of an operation, by their causes. */
const BY_CAUSE = {
  http: ['REQUEST_TIMEOUT', 'URI_TOO_LONG', 'HEADERS_TOO_LARGE'],
  input: ['MALFORMED_REQUEST', 'UNSUPPORTED_MEDIA_TYPE'],
  failure: ['INTERNAL', 'OVERLOADED', 'DATABASE_UNAVAILABLE'],
  limit: ['TOO_MANY_REQUESTS'],
  token: ['NOT_AUTHENTICATED', 'TOKEN_INVALID'],
  write: ['PAYLOAD_TOO_LARGE', 'CONFLICT', 'COMMIT_OUTCOME_UNKNOWN'],
} satisfies Record<string, ProblemCode[]>

function toResponses({ method, config, schema = {} }: RouteOptions): Record<string, unknown> {
  const { http, input, failure, limit, token, write } = BY_CAUSE
  const own = [...(schema.security ? token : []), ...(schema.problems ?? [])]
  const common = [
    ...http,
    ...input,
    ...failure,
    ...(config?.rateLimit === false ? [] : limit),
    ...(method === 'GET' || method === 'HEAD' ? [] : write),
  ]
  const examples: Example[] = [
    { value: createValidationExample(schema) },
    ...own.map((one) => ({ value: createExample(one) })),
    ...common.map((code) => ({ value: createExample(code), 'x-common': true as const })),
  ]
  const statuses = new Set(examples.map(({ value }) => value.status))
  return Object.fromEntries(
    [...statuses].map((status) => [
      status,
      describe(
        status,
        examples.filter(({ value }) => value.status === status),
      ),
    ]),
  )
}

interface Example {
  value: ReturnType<Problem['toDocument']>
  /** Swagger UI shows these in one line. */
  'x-common'?: true
}

function createExample(one: ProblemCode | WithDetail): Example['value'] {
  const [code, detail] = typeof one === 'string' ? [one] : one
  return new Problem(code, detail).toDocument('req-1a')
}

/** Creates the 422 of a body without members, or of a path or a query whose first value is too large. */
function createValidationExample({ body, params, querystring }: FastifySchema): Example['value'] {
  const { required = [] } = (body ?? {}) as TObject
  const { properties = {} } = (params ?? querystring ?? {}) as TObject
  const [[name, schema] = []] = Object.entries(properties)
  const part = params ? 'params' : 'querystring'
  const errors = required.map((name) => ({ in: 'body', path: `/${name}`, message: 'is required' }))
  if (!body && schema) errors.push({ in: part, path: `/${name}`, message: `must be <= ${schema.maximum}` })
  const problem = errors.length > 0 ? createValidationProblem(errors) : createRepeatedKeyProblem(['again'])
  return problem.toDocument('req-1a')
}

const HEADERS: Record<number, Record<string, TSchema>> = {
  401: { 'WWW-Authenticate': Type.String({ description: 'The challenge of RFC 6750, section 3.' }) },
  429: { 'Retry-After': Type.String({ description: 'Seconds to wait.' }) },
  503: { 'Retry-After': Type.String({ description: 'Seconds to wait; not with every code.' }) },
}

/** Describes the response of one status: a problem document with one of these codes. */
function describe(status: number, examples: Example[]) {
  const values = examples.map(({ value }) => value)
  const codes = values.map(({ code }) => code)
  const details = {
    type: 'object',
    ...(status === PROBLEMS.VALIDATION_FAILED.status && { required: ['errors'] }),
    properties: { status: { type: 'integer', enum: [status] }, code: { type: 'string', enum: codes } },
  }
  return {
    description: values
      .map(({ code, detail, type }) => `\`${code}\`: “${detail}” ([what it means](${type}))`)
      .join('\n\n'),
    ...(status in HEADERS && { headers: HEADERS[status] }),
    content: {
      'application/problem+json': {
        schema: { allOf: [ProblemSchema, details] },
        examples: Object.fromEntries(examples.map((example) => [example.value.code, example])),
      },
    },
  }
}
