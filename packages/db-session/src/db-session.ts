import type { Knex } from 'knex'
import type { DbRoute } from './options.ts'

/**
 * A Knex whose statements run in one transaction: begun by the first of them, stored when the answer is
 * known to be good, undone when it is not.
 *
 * @typeParam Mode - `'read'` or `'write'`: a function that takes a `DbSession<'write'>` cannot be given a
 * session of mode `'read'`.
 */
export interface DbSession<Mode extends 'read' | 'write' = 'read' | 'write'> extends Knex {
  readonly mode: Mode
  /** What was sent, when and for how long, in order. */
  readonly timeline: readonly QueryEvent[]
  /**
   * Runs once what was done is stored, and not at all if it is undone. Nobody waits for it; its errors
   * are logged.
   */
  afterCommit(work: () => unknown): void
  /** Has everything undone at the end, whatever the answer; in a savepoint, what the savepoint did. */
  rollbackOnly(): void
  /** Work that can be undone alone: everything it did is, if it throws. */
  savepoint<T>(work: (db: DbSession<Mode>) => Promise<T>): Promise<T>
  /**
   * The same as `app.unitOfWork`, for work that this session waits for while it may hold a connection: it needs a
   * second one. Rejects at once, with `DB_SESSION_NESTED`, where they nest deeper than the option `reserve`.
   */
  unitOfWork<T>(work: (db: DbSession) => Promise<T>, options?: DbRoute): Promise<T>
  /** Stores what was done so far, now; the next statement begins a new transaction. */
  commit(): Promise<void>
}

/** Something that was sent to Postgres. */
export interface QueryEvent {
  /** `begin` travels with the first statement. */
  readonly kind: 'begin' | 'query' | 'savepoint' | 'commit' | 'rollback'
  readonly sql: string
  /** The values, only where the option `bindings` asks for them. */
  readonly bindings?: readonly unknown[]
  /** Milliseconds since the session was opened. */
  readonly startedMs: number
  /** Milliseconds until it was answered; of `begin`: until there was a connection. */
  readonly durationMs: number
  readonly rowCount?: number
  /** The SQLSTATE of the error, or the code of the system's. */
  readonly error?: string
}
