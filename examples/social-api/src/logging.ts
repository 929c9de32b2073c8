import type { FastifyRequest } from 'fastify'
import { type DestinationStream, type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export interface LoggingOptions {
  level: string
  /** Lines for people, rather than JSON for machines. */
  readable: boolean
  /** Where lines for machines go. @default standard output */
  destination?: DestinationStream
}

/** The service's log. Never a password, a token, a cookie or a secret, nor the values in a database's message. */
export function createLogger({ level, readable, destination }: LoggingOptions): Logger {
  const options = {
    level,
    redact: { paths: SECRET_PATHS, censor: '[redacted]' },
    serializers: { err: describeError, req: describeRequest },
  }
  if (!readable) return pino(options, destination ?? pino.destination())
  return pino(
    options,
    pretty({ sync: true, translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname', singleLine: true }),
  )
}

const SECRET_MEMBERS = [
  'password',
  'current_password',
  'new_password',
  'client_secret',
  'access_token',
  'refresh_token',
  'token',
  'secret',
  'authorization',
  'cookie',
]
const SECRET_PATHS = [
  ...SECRET_MEMBERS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
  'res.headers["set-cookie"]',
]

/**
 * Neither what was searched for, nor a token that somebody puts into a query or a path by mistake, nor an e-mail. The
 * client's address is in the proxy's log, under the same request id.
 */
function describeRequest({ method, url, host }: FastifyRequest): object {
  const [path = ''] = url.split('?', 1)
  return { method, url: path.replace(/[^/]*(?:@|%40)[^/]*|[^/]{41,}/gi, '[redacted]'), host }
}

/** Postgres's errors carry the row's values in `detail`: an error is logged by these members alone. */
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
