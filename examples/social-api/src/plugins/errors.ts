import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { PROBLEMS, Problem, type ProblemCode } from '../problem.ts'

/** Unknown paths are a 404. */
export default fp(async (app) => {
  app.setNotFoundHandler((request) => {
    throw unknownPath(request)
  })
  // Before its body is read: what is wrong with that makes no difference.
  app.addHook('onRequest', (request, _reply, done) => {
    done(request.is404 ? unknownPath(request) : undefined)
  })
})

function unknownPath(request: FastifyRequest): Problem {
  return new Problem('NOT_FOUND', `There is nothing at ${request.method} ${pathOf(request)}.`)
}

/**
 * Sends a problem document for every error; a 5xx reveals nothing internal. Also Fastify's `frameworkErrors`: a path that no route was looked up for does not reach the error handler.
 */
export function answerWithProblem(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const problem = toProblem(error)
  // A flood is no failure, and a stack for each of its requests would be a flood of its own.
  if (problem.code === 'OVERLOADED') request.log.warn({ code: error.code }, 'request turned away')
  else if (problem.statusCode >= 500) request.log.error({ err: error, code: problem.code }, 'request failed')
  reply
    .code(problem.statusCode)
    // Of the hooks, an error of the framework's own has seen none.
    .header('x-request-id', request.id)
    .headers(problem.headers)
    .type('application/problem+json')
    .send(problem.toDocument(request.id))
}

function toProblem(error: FastifyError & { headers?: Record<string, string> }): Problem {
  if (error instanceof Problem) return error
  if (error.validation) return invalid(error)
  // What Node says when a client hangs up in the middle of its body, and what becomes of work for one who is gone.
  if (error.message === 'aborted' || error.name === 'AbortError')
    return new Problem('MALFORMED_REQUEST', 'The request was cut short.')
  const code = ofDatabase(error) ?? BY_CODE[error.code] ?? BY_STATUS[error.statusCode ?? 500] ?? 'INTERNAL'
  const detail = PROBLEMS[code] < 500 ? error.message : DETAIL_5XX[code]
  return new Problem(code, detail ?? 'The service failed. It is not your request; try again later.', {
    cause: error,
    headers: { ...(code === 'OVERLOADED' && { 'retry-after': '1' }), ...error.headers },
  })
}

/** The errors of a statement outside a session, which has names for its own. */
function ofDatabase(error: DatabaseError): ProblemCode | undefined {
  if (error.name === 'KnexTimeoutError') return 'OVERLOADED'
  // Postgres ends a connection, or refuses one, with an error of this severity; of a connection that ended without a
  // word, and of one that is not made in time, pg has a sentence alone.
  const { severity, message } = error.nativeError ?? error
  const isLost = severity === 'FATAL' || /Connection terminated|not queryable|timeout expired/.test(message)
  return isLost ? 'DATABASE_UNAVAILABLE' : undefined
}

/** Postgres's own error, or Objection's around it. */
interface DatabaseError extends Error {
  severity?: string
  nativeError?: { severity?: string; message: string }
}

function invalid({ validation = [], validationContext = 'body' }: FastifyError): Problem {
  const errors = validation.map(({ instancePath, keyword, params, message }) => ({
    in: validationContext,
    path: keyword === 'required' ? `${instancePath}/${params.missingProperty}` : instancePath,
    message:
      MESSAGES[String(params.format)] ?? (keyword === 'required' ? 'is required' : (message ?? 'is wrong')),
  }))
  const [first] = errors
  return new Problem('VALIDATION_FAILED', `${first?.in}${first?.path} ${first?.message}.`, { errors })
}

const MESSAGES: Record<string, string> = {
  'idn-email': 'must be an e-mail address',
  'new-password': 'must have at least 8 characters and at most 72 bytes of UTF-8',
}

/** What Fastify, Node and Postgres's driver call what has a name of its own here. */
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

const BY_STATUS: Record<number, ProblemCode> = {
  400: 'MALFORMED_REQUEST',
  404: 'NOT_FOUND',
  405: 'METHOD_NOT_ALLOWED',
  409: 'CONFLICT',
  413: 'PAYLOAD_TOO_LARGE',
  414: 'URI_TOO_LONG',
  415: 'UNSUPPORTED_MEDIA_TYPE',
  422: 'VALIDATION_FAILED',
  503: 'DATABASE_UNAVAILABLE',
}

const DETAIL_5XX: Partial<Record<ProblemCode, string>> = {
  OVERLOADED: 'The service has more to do than it can. Try again in a moment.',
  DATABASE_UNAVAILABLE: 'The database does not answer. Try again in a moment.',
  COMMIT_OUTCOME_UNKNOWN:
    'The connection was lost while the change was being stored: it may or may not be there. Look before you try again.',
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? '/'
}
