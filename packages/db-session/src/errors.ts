import type { DatabaseError } from 'pg'

/** The HTTP status and the message of each code. `docs/errors/` has a page for each. */
const ERRORS = {
  DB_SESSION_OPTION_INVALID: [500, 'An option is invalid.'],
  DB_SESSION_NOT_COVERED: [500, 'No session here: register db-session before your routes and hooks.'],
  DB_SESSION_OVER: [500, 'The session has ended: await every statement before the response is sent.'],
  DB_SESSION_ABORTED: [503, 'The request ended before its session, which was rolled back.'],
  DB_SESSION_NOT_AWAITED: [500, 'A use of the session was not awaited. Everything was rolled back.'],
  DB_SESSION_SAVEPOINT_OPEN: [500, 'A savepoint is open: use its session, or await it first.'],
  DB_SESSION_NOT_ON_A_SESSION: [500, 'A session does not have this member of a knex.'],
  DB_SESSION_STREAM_OPEN: [500, "Only a session with `mode: 'read'` can stream its rows to the client."],
  DB_SESSION_NEEDS_TRANSACTION: [500, 'The statement needs a transaction: use `begin`, or `isolation`.'],
  DB_SESSION_NESTED: [500, 'The pool cannot spare a connection for a unit of work inside this session.'],
  DB_SESSION_ROLLBACK_OPEN: [500, 'Another `withRollback` is active. Run them one after the other.'],
  DB_SESSION_ENDED_BY_STATEMENT: [500, 'A statement ended the transaction: only the session may do that.'],
  DB_SESSION_TRANSACTION_FAILED: [500, 'An earlier statement failed, so nothing can be committed.'],
  DB_SESSION_QUERY_FAILED: [500, 'A statement failed.'],
  DB_SESSION_READ_ONLY: [500, "A statement tried to write in a session with mode 'read'."],
  DB_SESSION_CONSTRAINT: [409, 'The change violates a constraint of the database.'],
  DB_SESSION_SERIALIZATION: [409, 'A concurrent transaction conflicted. Nothing was committed; try again.'],
  DB_SESSION_STATEMENT_TIMEOUT: [503, 'A statement exceeded its timeout.'],
  DB_SESSION_POOL_EXHAUSTED: [503, 'No connection became free in time.'],
  DB_SESSION_UNAVAILABLE: [503, 'Postgres cannot serve this request now. Nothing was committed.'],
  DB_SESSION_CONNECTION_LOST: [503, 'The connection to Postgres was lost. Nothing was committed.'],
  DB_SESSION_COMMIT_OUTCOME_UNKNOWN: [503, 'The connection was lost during COMMIT: its outcome is unknown.'],
  DB_SESSION_CLOSING: [503, 'The service is shutting down.'],
} as const

/** Failures that pass by themselves: their responses carry `Retry-After: 1`. */
const TRANSIENT = /POOL_EXHAUSTED|UNAVAILABLE|CONNECTION_LOST|CLOSING/

// The code of each SQLSTATE. A SQLSTATE that is not listed becomes `DB_SESSION_QUERY_FAILED`, a 500: the program sent a
// wrong statement. The names: https://www.postgresql.org/docs/current/errcodes-appendix.html
const SQLSTATES: Partial<Record<DbSessionErrorCode, string>> = {
  DB_SESSION_CONNECTION_LOST: '08000 08001 08003 08004 08006 57P01 57P02 57P05',
  DB_SESSION_UNAVAILABLE: '53000 53100 53200 53300 53400 57P03 57P04',
  DB_SESSION_COMMIT_OUTCOME_UNKNOWN: '08007 40003',
  DB_SESSION_CONSTRAINT: '23000 23001 23503 23505 23514 23P01 40002',
  DB_SESSION_SERIALIZATION: '40000 40001 40P01',
  DB_SESSION_STATEMENT_TIMEOUT: '25P04 55P03 57014',
  DB_SESSION_READ_ONLY: '25006',
  DB_SESSION_TRANSACTION_FAILED: '25P02',
  // protocol violation, idle transaction: Postgres closes the connection, but the program is at fault
  DB_SESSION_QUERY_FAILED: '08P01 25P03',
}

/** The `code` of a {@link DbSessionError}: a union, so a `switch` narrows. @useDeclaredType */
export type DbSessionErrorCode = keyof typeof ERRORS

/** Every code of this package. */
export const DB_SESSION_ERROR_CODES = Object.keys(ERRORS) as readonly DbSessionErrorCode[]

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

  constructor(code: DbSessionErrorCode, cause?: unknown, message: string = ERRORS[code][1]) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.statusCode = ERRORS[code][0]
    if (TRANSIENT.test(code)) Object.assign(this, { retryAfter: 1, headers: { 'retry-after': '1' } })
    const origin = findPostgresError(cause)
    if (origin) this.sqlState = origin.code
    if (origin?.constraint) this.constraint = origin.constraint
    keepMessage(this)
  }
}

/** Makes `message` immune to knex's query builder, which assigns the SQL, with the bound values, to it. */
export function keepMessage(error: Error): void {
  const { message } = error
  Object.defineProperty(error, 'message', { get: () => message, set() {}, configurable: true })
}

/** Postgres sends these members with every error. */
type PostgresError = DatabaseError & { readonly severity: string; readonly code: string }

/** Returns the error that Postgres sent: the error itself, or the one that Objection wraps as `nativeError`. */
export function findPostgresError(error: unknown): PostgresError | undefined {
  const origin = error instanceof Error && 'nativeError' in error ? error.nativeError : error
  const isFromPostgres = origin instanceof Error && 'severity' in origin && 'routine' in origin
  return isFromPostgres ? (origin as never as PostgresError) : undefined
}

/**
 * Translates an error of Postgres to a {@link DbSessionError}, whose message contains no SQL and no values. Returns a
 * `DbSessionError` as it is, and `undefined` for every other error: an application's own error keeps its status, its
 * code and its message, even if its `cause` is an error of Postgres.
 * @example
 * app.setErrorHandler((error, request, reply) => reply.send(toDbSessionError(error) ?? error))
 */
export function toDbSessionError(error: unknown): DbSessionError | undefined {
  if (error instanceof DbSessionError) return error
  const origin = findPostgresError(error)
  if (origin === undefined) return undefined
  const { code: sqlState, routine } = origin
  const listed = DB_SESSION_ERROR_CODES.find((code) => SQLSTATES[code]?.includes(sqlState))
  if (listed && listed !== 'DB_SESSION_QUERY_FAILED') return new DbSessionError(listed, origin)
  // PgBouncer's own errors are 08P01, too, but name no routine
  const isLost = endsConnection(error) && !(listed && routine)
  if (isLost) return new DbSessionError('DB_SESSION_CONNECTION_LOST', origin)
  const message = `A statement failed with SQLSTATE ${sqlState}.`
  return new DbSessionError('DB_SESSION_QUERY_FAILED', origin, message)
}

export function notOnASession(message: string): DbSessionError {
  return new DbSessionError('DB_SESSION_NOT_ON_A_SESSION', undefined, message)
}

/** Returns true for a serialization failure and for a deadlock: Postgres asks to repeat the transaction. */
export function isConflict(error: unknown): boolean {
  const sqlState = (toDbSessionError(error) as DbSessionError | undefined)?.sqlState
  return sqlState === '40001' || sqlState === '40P01'
}

/** Returns true if Postgres closes the connection after this error, or if pgpool has lost Postgres: it names no routine. */
export function endsConnection(error: unknown): boolean {
  const { severity = '', code, routine } = findPostgresError(error) ?? ({} as Partial<PostgresError>)
  return ['FATAL', 'PANIC'].includes(severity) || (code === 'XX000' && routine === undefined)
}
