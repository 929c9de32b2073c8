import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export interface LoggingOptions {
  level: string
  /** Lines for people, rather than JSON for machines. */
  readable: boolean
}

/** The service's log. Never a password, a token, a cookie or a secret, nor the values in a database's message. */
export function createLogger({ level, readable }: LoggingOptions): Logger {
  const options = {
    level,
    redact: { paths: SECRET_PATHS, censor: '[redacted]' },
    serializers: { err: describeError },
  }
  if (!readable) return pino(options)
  return pino(
    options,
    pretty({ sync: true, translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname', singleLine: true }),
  )
}

const SECRET_MEMBERS = [
  'password',
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

/** Postgres's errors carry the row's values in `detail`: an error is logged by these members alone. */
function describeError(error: Error & { code?: string }): object {
  const cause = error.cause instanceof Error ? describeError(error.cause) : undefined
  return {
    type: error.name,
    code: error.code,
    message: error.message,
    stack: error.stack,
    ...(cause && { cause }),
  }
}
