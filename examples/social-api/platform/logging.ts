/**
 * Protects users' secrets from the log, and its readers from guesswork: every line has its request's id, the caller and, at
 * level debug, the SQL; never a password, a token, a cookie or the values in a database's message.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { escapeControls } from '@auth-primer/tool-terminal'
import { PoolStatements } from '@auth-primer/tool-xray'
import type { FastifyBaseLogger, FastifyInstance, FastifyRequest } from 'fastify'
import { type DestinationStream, type Logger, pino } from 'pino'

export interface LoggingOptions {
  readonly level: string
  /** Receives the JSON lines. @default standard output */
  readonly destination?: DestinationStream | undefined
}

const PASSWORDS = ['password', 'current_password', 'new_password']
const TOKENS = ['token', 'access_token', 'refresh_token', 'secret', 'client_secret']
const HEADERS = ['authorization', 'cookie', 'set-cookie']
/** Listed by name, because a path that starts with `*` makes pino copy all values, which costs more than the log itself. */
const CONTAINERS = 'body cookies data form headers input params query request response user'.split(' ')
const PREFIXES = ['', ...CONTAINERS, ...CONTAINERS.map((name) => `${name}.*`)]

export function createLogger({ level, destination = pino.destination() }: LoggingOptions): Logger {
  const options = {
    level,
    serializers: { err: describeError, req: describeRequest },
    redact: {
      paths: [...PASSWORDS, ...TOKENS, ...HEADERS].flatMap((name) =>
        PREFIXES.map((prefix) => `${prefix}["${name}"]`),
      ),
      censor: '[redacted]',
    },
    hooks: { streamWrite: escapeControls },
  }
  return pino(options, destination)
}

// Leaves out search terms, emails, and tokens that a client puts into a query or a path by mistake. The proxy's log has the
// client's address, under the same request id.
function describeRequest({ method, originalUrl, host }: FastifyRequest): object {
  const [path = ''] = originalUrl.split('?', 1)
  return { method, url: path.replace(/[^/]*(?:@|%40)[^/]*|[^/]{41,}/gi, '[redacted]'), host }
}

/** Returns only these members, because Postgres's errors carry the row's values in `detail`. */
function describeError(error: Error & { code?: string; nativeError?: { code?: string } }): object {
  const cause = error.cause instanceof Error ? describeError(error.cause) : undefined
  return {
    type: error.name,
    // Objection keeps Postgres's own error, and its code, in `nativeError`.
    code: error.code ?? error.nativeError?.code,
    message: error.message,
    stack: error.stack,
    ...(cause && { cause }),
  }
}

/** An id that is safe in a header, a log line and a JSON string. */
const SAFE_ID = /^[A-Za-z0-9._-]{1,64}$/

/** Returns the proxy's id for the request, so that both logs can be compared, or a new one if that is missing or unsafe. */
export function createRequestId({ headers }: { headers: IncomingHttpHeaders }): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && SAFE_ID.test(given) ? given : `req-${randomUUID()}`
}

/** At level debug, logs every statement of a request with the request's id, without the values bound to it. */
export function registerSqlLog(app: FastifyInstance): void {
  if (app.log.level !== 'debug' && app.log.level !== 'trace') return

  // A session's timeline has its statements, BEGIN and COMMIT included.
  app.addHook('onResponse', async (request) => {
    if (request.is404) return
    for (const { sql, durationMs, error } of request.db.timeline)
      logStatement(request.log, sql, durationMs, error)
  })

  // A statement sent directly through the pool belongs to the request of the current async context.
  const logs = new AsyncLocalStorage<FastifyBaseLogger>()
  app.addHook('onRequest', (request, _reply, done) => logs.run(request.log, done))
  new PoolStatements(app.knex, ({ sql = '', failure }, ms) => {
    const log = logs.getStore()
    if (log) logStatement(log, sql, ms, failure?.code)
  }).start()
}

function logStatement(log: FastifyBaseLogger, sql: string, ms: number, failed?: string): void {
  log.debug({ ms: Math.round(ms * 10) / 10, failed }, sql)
}
