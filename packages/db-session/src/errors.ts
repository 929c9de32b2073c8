/** What can go wrong in a session, with the status an HTTP answer gets. Each has a page in `docs/errors/`. */
const ERRORS = {
  DB_SESSION_OPTION_INVALID: 500,
  DB_SESSION_NOT_COVERED: 500,
  DB_SESSION_OVER: 500,
  DB_SESSION_ABORTED: 503,
  DB_SESSION_NOT_AWAITED: 500,
  DB_SESSION_SAVEPOINT_OPEN: 500,
  DB_SESSION_NOT_ON_A_SESSION: 500,
  DB_SESSION_STREAM_OPEN: 500,
  DB_SESSION_NESTED: 500,
  DB_SESSION_ENDED_BY_STATEMENT: 500,
  DB_SESSION_TRANSACTION_FAILED: 500,
  DB_SESSION_QUERY_FAILED: 500,
  DB_SESSION_READ_ONLY: 500,
  DB_SESSION_CONSTRAINT: 409,
  DB_SESSION_SERIALIZATION: 409,
  DB_SESSION_STATEMENT_TIMEOUT: 503,
  DB_SESSION_POOL_EXHAUSTED: 503,
  DB_SESSION_UNAVAILABLE: 503,
  DB_SESSION_CONNECTION_LOST: 503,
  DB_SESSION_COMMIT_OUTCOME_UNKNOWN: 503,
  DB_SESSION_CLOSING: 503,
} as const

/**
 * The `code` of a {@link DbSessionError}: a union, so that a `switch` narrows.
 *
 * @useDeclaredType
 */
export type DbSessionErrorCode = keyof typeof ERRORS

/** Every code this package uses; `docs/errors/` has a page for each. */
export const DB_SESSION_ERROR_CODES = Object.keys(ERRORS) as readonly DbSessionErrorCode[]

/** Codes whose cause passes by itself: their answers carry `Retry-After`, in seconds. */
const RETRY_AFTER: Partial<Record<DbSessionErrorCode, number>> = {
  DB_SESSION_POOL_EXHAUSTED: 1,
  DB_SESSION_UNAVAILABLE: 1,
  DB_SESSION_CONNECTION_LOST: 1,
  DB_SESSION_CLOSING: 1,
}

/**
 * An error of a session. `cause` is the error of pg where there is one: its `detail` names values,
 * so it is for logs behind the service, and never part of this message.
 */
export class DbSessionError extends Error {
  /** Tells it from other errors in a log. */
  override readonly name = 'DbSessionError'
  /** Tells the cases apart. */
  readonly code: DbSessionErrorCode
  /** The HTTP status that says the same. */
  readonly statusCode: number
  /** Seconds after which trying again makes sense; also in `headers`, where Fastify's own error handler finds it. */
  readonly retryAfter?: number
  /** `retry-after`, where trying again makes sense. */
  readonly headers?: Readonly<Record<string, string>>
  /** The SQLSTATE of the cause, `23505` for a broken unique constraint. */
  readonly sqlState?: string
  /** The name of the broken constraint, never its values. */
  readonly constraint?: string

  constructor(code: DbSessionErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.statusCode = ERRORS[code]
    const retryAfter = RETRY_AFTER[code]
    if (retryAfter !== undefined) {
      this.retryAfter = retryAfter
      this.headers = { 'retry-after': String(retryAfter) }
    }
    const origin = postgresError(cause)
    if (origin?.code) this.sqlState = origin.code
    if (origin?.constraint) this.constraint = origin.constraint
  }
}

/** The members of an error message of Postgres that matter here. */
export interface PostgresError extends Error {
  code?: string
  severity?: string
  constraint?: string
  position?: string
}

/** The error that Postgres sent: the thing itself, what Objection wraps as `nativeError`, or a cause of it. */
export function postgresError(error: unknown): PostgresError | undefined {
  for (let e = error, depth = 0; e instanceof Error && depth < 5; depth++) {
    if ('severity' in e && 'code' in e) return e as PostgresError
    e = 'nativeError' in e ? e.nativeError : e.cause
  }
  return undefined
}

/** Serialization failure and deadlock: the two that Postgres asks to be tried again. */
export function isRetryable(error: unknown): boolean {
  const sqlState = postgresError(error)?.code
  return sqlState === '40001' || sqlState === '40P01'
}

/** The replica has gone, or has cancelled a session that was in the way of its replay: the primary serves it. */
export function isOfReplica(error: unknown): boolean {
  const code = translate(error)?.code
  return (
    isRetryable(error) ||
    code === 'DB_SESSION_CONNECTION_LOST' ||
    code === 'DB_SESSION_COMMIT_OUTCOME_UNKNOWN'
  )
}

/** Postgres closes the connection after a FATAL error. */
export function endsConnection(error: unknown): boolean {
  const severity = postgresError(error)?.severity
  return severity === 'FATAL' || severity === 'PANIC'
}

/** What the edge answers for an error of Postgres: a code, a status, and no SQL and no values. */
export function translate(error: unknown): DbSessionError | undefined {
  if (error instanceof DbSessionError) return error
  const origin = postgresError(error)
  if (origin === undefined) return undefined
  const sqlState = origin.code ?? ''
  if (endsConnection(origin) || sqlState.startsWith('08')) {
    return new DbSessionError(
      'DB_SESSION_CONNECTION_LOST',
      'The connection to Postgres was lost; nothing was stored',
      error,
    )
  }
  if (sqlState.startsWith('23')) {
    return new DbSessionError(
      'DB_SESSION_CONSTRAINT',
      'What was to be stored breaks a constraint of the database',
      error,
    )
  }
  if (isRetryable(origin)) {
    return new DbSessionError(
      'DB_SESSION_SERIALIZATION',
      'Another transaction got in the way; nothing was stored, try again',
      error,
    )
  }
  if (sqlState === '25006') {
    return new DbSessionError(
      'DB_SESSION_READ_ONLY',
      "A write was tried in a session of mode 'read'; drop the mode from the route",
      error,
    )
  }
  if (sqlState === '57014' || sqlState === '55P03') {
    return new DbSessionError('DB_SESSION_STATEMENT_TIMEOUT', 'A statement took longer than it may', error)
  }
  return new DbSessionError('DB_SESSION_QUERY_FAILED', `A statement failed with SQLSTATE ${sqlState}`, error)
}
