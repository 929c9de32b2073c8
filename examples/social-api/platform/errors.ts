/**
 * Protects clients from responses that they cannot read, and the service from revealing its internals: every error is sent as
 * a problem document (RFC 9457), and a 5xx does not reveal its cause.
 */
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { type InvalidValue, PROBLEMS, Problem, type ProblemCode } from '../src/problem.ts'

/** Fastify's error handler, and its `frameworkErrors`. */
export function sendProblem(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const problem = toProblem(error)
  // All later lines of the request have the code, `request completed` among them.
  ;(request.log as Logger).setBindings({ code: problem.code })
  // Under overload there are many, so no stack.
  if (problem.code === 'OVERLOADED') request.log.warn({ req: request, cause: error.code }, 'request rejected')
  else if (problem.statusCode >= 500) request.log.error({ req: request, err: error }, 'request failed')
  reply
    .code(problem.statusCode)
    .headers(problem.headers)
    .type('application/problem+json')
    .send(problem.toDocument(request.id))
}

/** The problem codes of errors, by the error's `code`. */
const BY_CODE: Record<string, ProblemCode> = {
  JWT_KIT_NO_CREDENTIALS: 'NOT_AUTHENTICATED',
  JWT_KIT_INVALID_TOKEN: 'TOKEN_INVALID',
  JWT_KIT_INVALID_REQUEST: 'MALFORMED_REQUEST',
  AUTH_HASH_OVERLOADED: 'OVERLOADED',
  DB_SESSION_COMMIT_OUTCOME_UNKNOWN: 'COMMIT_OUTCOME_UNKNOWN',
  DB_SESSION_POOL_EXHAUSTED: 'OVERLOADED',
  XRAY_BUSY: 'OVERLOADED',
  FST_STATIC_FORBIDDEN_PATH: 'NOT_FOUND',
  ECONNREFUSED: 'DATABASE_UNAVAILABLE',
  ECONNRESET: 'DATABASE_UNAVAILABLE',
}

/** The problem codes of all other errors, by the error's status. */
const BY_STATUS: Record<number, ProblemCode> = {
  400: 'MALFORMED_REQUEST',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  503: 'DATABASE_UNAVAILABLE',
}

function toProblem(error: FastifyError & { headers?: Record<string, string> }): Problem {
  if (error instanceof Problem) return error
  if (error.validation) return toValidationProblem(error)
  // Node's message if the client disconnects while it sends its body, and the error of work that was aborted for that.
  if (error.message === 'aborted' || error.name === 'AbortError')
    return new Problem('MALFORMED_REQUEST', 'The client disconnected before the request was complete.')
  const code =
    findDatabaseCode(error) ?? BY_CODE[error.code] ?? BY_STATUS[error.statusCode ?? 500] ?? 'INTERNAL'
  return new Problem(code, PROBLEMS[code].status < 500 ? error.message : undefined, {
    cause: error,
    headers: { ...(code === 'OVERLOADED' && { 'retry-after': '1' }), ...error.headers },
  })
}

type PostgresError = Error & { severity?: string }

/** Returns the problem code of an error from the pool itself. A database session has already translated its own errors. */
function findDatabaseCode(error: PostgresError & { nativeError?: PostgresError }): ProblemCode | undefined {
  if (error.name === 'KnexTimeoutError') return 'OVERLOADED'
  // Postgres ends or rejects a connection with severity FATAL. If it ends silently, pg has only a message.
  const { severity, message } = error.nativeError ?? error
  const isLost = severity === 'FATAL' || /Connection terminated|not queryable|timeout expired/.test(message)
  return isLost ? 'DATABASE_UNAVAILABLE' : undefined
}

const FORMAT_MESSAGES: Record<string, string> = {
  'idn-email': 'must be an email address',
  'new-password': 'must have at least 8 characters and at most 72 bytes of UTF-8',
}

function toValidationProblem({ validation = [], validationContext = 'body' }: FastifyError): Problem {
  const errors = validation.map(({ instancePath: path, keyword, params, message = 'is invalid' }) => {
    if (keyword === 'required')
      return { in: validationContext, path: `${path}/${params.missingProperty}`, message: 'is required' }
    return { in: validationContext, path, message: FORMAT_MESSAGES[String(params.format)] ?? message }
  })
  return createValidationProblem(errors)
}

/** Returns a 422 that lists the values. Its `detail` is about the first one. */
export function createValidationProblem(errors: InvalidValue[]): Problem {
  const [first] = errors
  return new Problem('VALIDATION_FAILED', `${first?.in}${first?.path} ${first?.message}.`, { errors })
}
