import type { Knex } from 'knex'

/** A database session: a Knex whose statements share one transaction, which ends with its owner. */
export interface DbSession extends Knex {
  /** The mode of the route or of the unit of work. */
  readonly mode: 'read' | 'write'
  /**
   * Sends one statement without knex's query builder: a text, in which `$1` stands for the first value, or a config.
   * @throws `TypeError`, synchronously, if an argument has the wrong type
   * @example
   * const { rows } = await request.db.query<{ id: number }>('SELECT id FROM users WHERE email = $1', [email])
   */
  // biome-ignore lint/suspicious/noExplicitAny: rows of unknown columns are `any`, as they are in pg
  query<Row = any>(statement: string | QueryConfig, values?: readonly unknown[]): Promise<QueryResult<Row>>
  /** The statements that were sent so far, in order: the latest 1,000 events. */
  readonly timeline: readonly QueryEvent[]
  /**
   * Runs `work` after the COMMIT, and never if the transaction rolls back. Nothing waits for it; its errors are
   * logged. In a savepoint that rolls back, it is dropped with the savepoint.
   */
  afterCommit(work: () => unknown): void
  /** Forces a rollback at the end, whatever the response status. In a savepoint, only the savepoint rolls back. */
  rollbackOnly(): void
  /**
   * Runs `work` in a savepoint, which rolls back if `work` throws. Inside, use the session that `work` receives.
   * @example
   * await request.db.savepoint((db) => db('tags').insert({ name })).catch(() => {}) // keep what came before
   */
  savepoint<T>(work: (db: DbSession) => Promise<T>): Promise<T>
  /** Runs `work` in a separate session, on a second connection. Rejects if the pool cannot spare one. */
  unitOfWork<T>(work: (db: DbSession) => Promise<T>, options?: UnitOfWorkOptions): Promise<T>
  /** Commits the statements so far. The next statement begins a new transaction. */
  commit(): Promise<void>
}

/** A statement as pg takes it. */
export interface QueryConfig {
  /** The statement; `$1` stands for the first value. */
  readonly text: string
  /** The values, in order. */
  readonly values?: readonly unknown[]
  /** Makes it a prepared statement of this name, at most 63 bytes. PgBouncer needs version 1.21 for that. */
  readonly name?: string
  /** `'array'` returns each row as an array. @default rows are objects */
  readonly rowMode?: 'array'
}

/** The result of a statement. */
export interface QueryResult<Row> {
  /** The rows, in order. */
  readonly rows: Row[]
  /** The number of rows that were read or written; `null` if the statement does neither. */
  readonly rowCount: number | null
}

/** A statement that was sent to Postgres. */
export interface QueryEvent {
  /** The kind. `begin` travels in the message of the statement that follows it. */
  readonly kind: 'begin' | 'query' | 'savepoint' | 'commit' | 'rollback'
  /** The statement, with `$1` and so on for the values; at most 10,000 characters. */
  readonly sql: string
  /** The values, only if the option `bindings` is set. */
  readonly bindings?: readonly unknown[]
  /** Milliseconds since the session was opened. */
  readonly startedMs: number
  /** Milliseconds until the reply; for `begin`, until there was a connection. */
  readonly durationMs: number
  /** The number of rows that were read or written, if Postgres reports it. */
  readonly rowCount?: number
  /** The SQLSTATE of the error, or the code of a system error. */
  readonly error?: string
  /** The name of the constraint that was broken. */
  readonly constraint?: string
}

/** Statements that follow each BEGIN in the same message. Values are strings, numbers, bigints, booleans or null. */
export type BeginStatements = BeginStatement | readonly BeginStatement[]
/** A statement that follows BEGIN; `$1` stands for the first value. */
export type BeginStatement = string | Pick<QueryConfig, 'text' | 'values'>

/** The options of one route, in `config: { db: … }`. */
export interface DbRoute {
  /** `'read'` makes the session READ ONLY. @default 'write' */
  readonly mode?: 'read' | 'write'
  /** The isolation level. @default Postgres's own, 'read committed' */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
  /** The number of times that the work runs again after a serialization failure or a deadlock: 0 to 100. @default 0 */
  readonly retry?: number
  /** The timeout of one statement, in milliseconds; 0 is none. @default the plugin's */
  readonly statementTimeoutMs?: number
  /** Reads from the replica, whose rows may be stale, if it gives a connection; only with mode 'read'. @default false */
  readonly replica?: boolean
}

/** The options of one unit of work. */
export interface UnitOfWorkOptions extends DbRoute {
  /** Statements that follow BEGIN, after those of the option `begin`: a tenant's settings, say. @default none */
  readonly begin?: BeginStatements
}

/** Receives warnings and errors: pino, Fastify's logger and `console` fit. */
export type Log = Record<'warn' | 'error', (details: object, message: string) => void>

/** The options that requests and units of work share. Everything except `knex` has a default. */
export interface SessionOptions {
  /** The primary: a knex with the client `pg`. */
  readonly knex: Knex
  /** Serves the sessions with `replica: true`. @default none */
  readonly replica?: Knex
  /** The time that a session waits for a connection, in milliseconds, at least 1. @default 2000 */
  readonly acquireTimeoutMs?: number
  /** The timeout of one statement, in milliseconds; 0 is none. @default 10000 */
  readonly statementTimeoutMs?: number
  /** The time that a transaction may sit idle before Postgres ends it, in milliseconds; 0 is forever. @default 60000 */
  readonly idleTimeoutMs?: number
  /** The time that a transaction may sit idle between two statements before it is logged, in milliseconds. @default 200 */
  readonly idleReportMs?: number
  /** The time that a transaction may stay open before it is logged as a leak, in milliseconds. @default 10000 */
  readonly leakReportMs?: number
  /** The time that an interrupted connection may take to roll back before it is discarded, in milliseconds. @default 1000 */
  readonly cancelTimeoutMs?: number
  /** The time that closing waits for open sessions, in milliseconds. @default 10000 */
  readonly closeTimeoutMs?: number
  /** Also destroys `knex` and `replica` when the app or the unit of work is closed. @default false */
  readonly closePools?: boolean
  /** Keeps the values of each statement in the timeline and the diagnostics. They are user data. @default false */
  readonly bindings?: boolean
  /** Milliseconds before run 2, 3, … of an owner: random, up to `base` × 2ⁿ and `max`. @default { base: 5, max: 250 } */
  readonly backoff?: Readonly<Record<'base' | 'max', number>>
  /** The random source of the back-off. @default Math.random */
  readonly random?: () => number
  /** The timer of the back-off. @default node:timers/promises */
  readonly sleep?: (ms: number) => Promise<unknown>
}

/** The options of `createUnitOfWork`. */
export interface CreateUnitOfWorkOptions extends SessionOptions {
  /** Returns statements that follow each BEGIN, also when a unit of work runs again. @default none */
  readonly begin?: () => BeginStatements
  /** Receives warnings and errors. @default console */
  readonly log?: Log
}

/**
 * Runs `work` in its own session, which commits if `work` resolves and rolls back if it rejects. Rejects with a
 * `DbSessionError` if the commit fails, or if an error of Postgres escapes from `work`.
 */
export type UnitOfWork = <T>(work: (db: DbSession) => Promise<T>, options?: UnitOfWorkOptions) => Promise<T>

/** A {@link UnitOfWork} that is not part of an app. */
export type ClosableUnitOfWork = UnitOfWork & {
  /** Rejects new units of work, waits for those under way, and destroys the pools if `closePools` is set. */
  close(): Promise<void>
}
