/** The HTTP status of each code. `docs/errors/` has a page for each. */
const STATUS = {
  DB_SESSION_OPTION_INVALID: 500,
  DB_SESSION_NOT_COVERED: 500,
  DB_SESSION_OVER: 500,
  DB_SESSION_ABORTED: 503,
  DB_SESSION_NOT_AWAITED: 500,
  DB_SESSION_SAVEPOINT_OPEN: 500,
  DB_SESSION_NOT_ON_A_SESSION: 500,
  DB_SESSION_STREAM_OPEN: 500,
  DB_SESSION_NEEDS_TRANSACTION: 500,
  DB_SESSION_NESTED: 500,
  DB_SESSION_ROLLBACK_OPEN: 500,
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
 * The `code` of a {@link DbSessionError}: a union, so a `switch` narrows.
 *
 * @useDeclaredType
 */
export type DbSessionErrorCode = keyof typeof STATUS

/** Every code of this package. */
export const DB_SESSION_ERROR_CODES = Object.keys(STATUS) as readonly DbSessionErrorCode[]

/** Seconds after which a client may try again, for failures that pass by themselves. */
const RETRY_AFTER: Partial<Record<DbSessionErrorCode, number>> = {
  DB_SESSION_POOL_EXHAUSTED: 1,
  DB_SESSION_UNAVAILABLE: 1,
  DB_SESSION_CONNECTION_LOST: 1,
  DB_SESSION_CLOSING: 1,
}

/**
 * What each SQLSTATE becomes. Everything that is not listed is `DB_SESSION_QUERY_FAILED`, a 500: the program sent a
 * wrong statement, and a client that repeats it gets the same error.
 *
 * Source: https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const CODES: Readonly<Record<string, DbSessionErrorCode>> = {
  '08000': 'DB_SESSION_CONNECTION_LOST', // connection_exception
  '08001': 'DB_SESSION_CONNECTION_LOST', // sqlclient_unable_to_establish_sqlconnection
  '08003': 'DB_SESSION_CONNECTION_LOST', // connection_does_not_exist
  '08004': 'DB_SESSION_CONNECTION_LOST', // sqlserver_rejected_establishment_of_sqlconnection
  '08006': 'DB_SESSION_CONNECTION_LOST', // connection_failure
  '57P01': 'DB_SESSION_CONNECTION_LOST', // admin_shutdown
  '57P02': 'DB_SESSION_CONNECTION_LOST', // crash_shutdown
  '57P05': 'DB_SESSION_CONNECTION_LOST', // idle_session_timeout
  '57P03': 'DB_SESSION_UNAVAILABLE', // cannot_connect_now
  '57P04': 'DB_SESSION_UNAVAILABLE', // database_dropped
  '53000': 'DB_SESSION_UNAVAILABLE', // insufficient_resources
  '53100': 'DB_SESSION_UNAVAILABLE', // disk_full
  '53200': 'DB_SESSION_UNAVAILABLE', // out_of_memory
  '53300': 'DB_SESSION_UNAVAILABLE', // too_many_connections
  '53400': 'DB_SESSION_UNAVAILABLE', // configuration_limit_exceeded
  '08007': 'DB_SESSION_COMMIT_OUTCOME_UNKNOWN', // transaction_resolution_unknown
  '40003': 'DB_SESSION_COMMIT_OUTCOME_UNKNOWN', // statement_completion_unknown
  '23000': 'DB_SESSION_CONSTRAINT', // integrity_constraint_violation
  '23001': 'DB_SESSION_CONSTRAINT', // restrict_violation
  '23503': 'DB_SESSION_CONSTRAINT', // foreign_key_violation
  '23505': 'DB_SESSION_CONSTRAINT', // unique_violation
  '23514': 'DB_SESSION_CONSTRAINT', // check_violation
  '23P01': 'DB_SESSION_CONSTRAINT', // exclusion_violation
  '40002': 'DB_SESSION_CONSTRAINT', // transaction_integrity_constraint_violation
  '40000': 'DB_SESSION_SERIALIZATION', // transaction_rollback
  '40001': 'DB_SESSION_SERIALIZATION', // serialization_failure
  '40P01': 'DB_SESSION_SERIALIZATION', // deadlock_detected
  '25P04': 'DB_SESSION_STATEMENT_TIMEOUT', // transaction_timeout
  '55P03': 'DB_SESSION_STATEMENT_TIMEOUT', // lock_not_available
  '57014': 'DB_SESSION_STATEMENT_TIMEOUT', // query_canceled
  '25006': 'DB_SESSION_READ_ONLY', // read_only_sql_transaction
  '25P02': 'DB_SESSION_TRANSACTION_FAILED', // in_failed_sql_transaction
}

/** FATAL errors that are a fault of the program, although they end the connection. */
const FATAL_BY_PROGRAM = ['08P01', '25P03'] // protocol_violation, idle_in_transaction_session_timeout

const MESSAGES: Partial<Record<DbSessionErrorCode, string>> = {
  DB_SESSION_CONNECTION_LOST: 'The connection to Postgres was lost. Nothing was committed.',
  DB_SESSION_UNAVAILABLE: 'Postgres cannot serve this request now. Nothing was committed.',
  DB_SESSION_COMMIT_OUTCOME_UNKNOWN: 'Postgres does not know whether the transaction was committed.',
  DB_SESSION_CONSTRAINT: 'The change violates a constraint of the database.',
  DB_SESSION_SERIALIZATION: 'A concurrent transaction conflicted. Nothing was committed; try again.',
  DB_SESSION_STATEMENT_TIMEOUT: 'A statement exceeded its timeout.',
  DB_SESSION_READ_ONLY:
    "A statement tried to write in a session with mode 'read'. Remove the mode from the route.",
  DB_SESSION_TRANSACTION_FAILED:
    'An earlier statement failed, so nothing can be committed. Let its error propagate, or run it in a savepoint.',
}

/** The members of pg's `DatabaseError` that are used here. */
export interface PostgresError extends Error {
  readonly severity: string
  readonly code: string
  readonly constraint?: string
}

/**
 * An error of a session. The message contains neither SQL nor values. `cause` is the error of pg, if there is one: its
 * `detail` contains values, so log it but never send it to a client.
 */
export class DbSessionError extends Error {
  /** Distinguishes it from other errors in a log. */
  override readonly name = 'DbSessionError'
  /** Distinguishes the cases. */
  readonly code: DbSessionErrorCode
  /** The HTTP status that fits. */
  readonly statusCode: number
  /** Seconds after which the request may be repeated, if it helps. */
  readonly retryAfter?: number
  /** Response headers that fit. */
  readonly headers?: Readonly<Record<string, string>>
  /** Postgres's SQLSTATE. */
  readonly sqlState?: string
  /** The name of the broken constraint, never its values. */
  readonly constraint?: string

  constructor(code: DbSessionErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.statusCode = STATUS[code]
    const retryAfter = RETRY_AFTER[code]
    if (retryAfter !== undefined) {
      this.retryAfter = retryAfter
      this.headers = { 'retry-after': String(retryAfter) }
    }
    const origin = findPostgresError(cause)
    if (origin) this.sqlState = origin.code
    if (origin?.constraint) this.constraint = origin.constraint
    keepMessage(this)
  }
}

/**
 * Makes `message` immune to assignment. knex's query builder assigns the SQL, with the bound values, to the message of
 * every error that passes through it.
 */
export function keepMessage(error: Error): void {
  const { message } = error
  Object.defineProperty(error, 'message', { get: () => message, set() {}, configurable: true })
}

/** Returns the error that Postgres sent: the error itself, or the one that Objection wraps as `nativeError`. */
export function findPostgresError(error: unknown): PostgresError | undefined {
  const origin = error instanceof Error && 'nativeError' in error ? error.nativeError : error
  return origin instanceof Error && 'severity' in origin && 'code' in origin
    ? (origin as PostgresError)
    : undefined
}

/**
 * Translates an error of Postgres to a {@link DbSessionError}, whose message contains no SQL and no values. Returns a
 * `DbSessionError` as it is, and `undefined` for every other error: an application's own error keeps its status, its
 * code and its message, even if its `cause` is an error of Postgres.
 *
 * @example
 * app.setErrorHandler((error, request, reply) => reply.send(toDbSessionError(error) ?? error))
 */
export function toDbSessionError(error: unknown): DbSessionError | undefined {
  if (error instanceof DbSessionError) return error
  const origin = findPostgresError(error)
  if (origin === undefined) return undefined
  const code = codeFor(origin)
  return new DbSessionError(code, MESSAGES[code] ?? `A statement failed with SQLSTATE ${origin.code}.`, error)
}

/** Returns true for a serialization failure and for a deadlock: Postgres asks to repeat the transaction. */
export function isConflict(error: unknown): boolean {
  const sqlState = findPostgresError(error)?.code ?? (error as { sqlState?: string } | undefined)?.sqlState
  return sqlState === '40001' || sqlState === '40P01'
}

/** Returns true for an error after which Postgres closes the connection. */
export function endsConnection(error: unknown): boolean {
  const severity = findPostgresError(error)?.severity
  return severity === 'FATAL' || severity === 'PANIC'
}

function codeFor(origin: PostgresError): DbSessionErrorCode {
  const code = CODES[origin.code]
  if (code !== undefined) return code
  return endsConnection(origin) && !FATAL_BY_PROGRAM.includes(origin.code)
    ? 'DB_SESSION_CONNECTION_LOST'
    : 'DB_SESSION_QUERY_FAILED'
}
