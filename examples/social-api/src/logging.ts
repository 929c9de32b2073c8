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
    serializers: { err: describeError, req: describeRequest },
    hooks: { streamWrite: redact },
  }
  if (!readable) return pino(options, destination ?? pino.destination())
  return pino(
    options,
    pretty({ sync: true, translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname', singleLine: true }),
  )
}

const SECRETS = [
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
  'set-cookie',
]
const HAS_SECRET = new RegExp(`"(?:${SECRETS.join('|')})":`)

/**
 * A line without the members that are secret, however deep they stand. Most lines have none, and one look at the text says so;
 * pino's own `redact` copies every member of every line, which took a seventh of a small answer's time.
 */
function redact(line: string): string {
  if (!HAS_SECRET.test(line)) return line
  const hide = (name: string, value: unknown) => (SECRETS.includes(name) ? '[redacted]' : value)
  return `${JSON.stringify(JSON.parse(line, hide))}\n`
}

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
