import type { Knex } from 'knex'
import type { UnitOfWorkOptions } from './options.ts'

/** A database session: a Knex whose statements share one transaction, which ends with its owner. */
export interface DbSession extends Knex {
  /** What the route or the unit of work asked for. */
  readonly mode: 'read' | 'write'
  /**
   * Sends one statement without knex's query builder. `$1` stands for the first value.
   *
   * @throws `TypeError`, synchronously, if an argument has the wrong type
   * @example
   * const { rows } = await request.db.query<{ id: number }>('SELECT id FROM users WHERE email = $1', [email])
   */
  // biome-ignore lint/suspicious/noExplicitAny: rows of unknown columns are `any`, as they are in pg
  query<Row = any>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>
  /** The same with pg's options. */
  // biome-ignore lint/suspicious/noExplicitAny: rows of unknown columns are `any`, as they are in pg
  query<Row = any>(config: QueryConfig): Promise<QueryResult<Row>>
  /** What was sent so far, in order: the latest 1,000 events. */
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
   *
   * @example
   * await request.db.savepoint((db) => db('tags').insert({ name })).catch(() => {}) // keep what came before
   */
  savepoint<T>(work: (db: DbSession) => Promise<T>): Promise<T>
  /**
   * Runs `work` in a session of its own, on a second connection, while this one stays open. Rejects with
   * `DB_SESSION_NESTED` if the pool cannot spare a connection for it.
   */
  unitOfWork<T>(work: (db: DbSession) => Promise<T>, options?: UnitOfWorkOptions): Promise<T>
  /** Commits what was done so far. The next statement begins a new transaction. */
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
  /** How many rows were read or written; `null` if the statement does neither. */
  readonly rowCount: number | null
}

/** Something that was sent to Postgres. */
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
  /** How many rows were read or written, if Postgres reports it. */
  readonly rowCount?: number
  /** The SQLSTATE of the error, or the code of a system error. */
  readonly error?: string
  /** The name of the constraint that was broken. */
  readonly constraint?: string
}
