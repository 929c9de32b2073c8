import type { Knex } from 'knex'
import type { DbRoute } from './options.ts'

/**
 * A Knex whose statements run in one transaction: begun by the first of them, stored when the answer is
 * known to be good, undone when it is not.
 *
 * @typeParam Mode - `'read'` or `'write'`: a function that takes a `DbSession<'write'>` cannot be given a
 * session of mode `'read'`, and such a session has no `insert`, `update` or `delete` that could be called.
 */
export type DbSession<Mode extends 'read' | 'write' = 'read' | 'write'> = ([Mode] extends ['read']
  ? ReadOnly
  : unknown) &
  Session<Mode>

/** What a session has besides all that a Knex has. */
export interface Session<Mode extends 'read' | 'write'> extends Knex {
  /** As the route, or the unit of work, has asked for it. */
  readonly mode: Mode
  /**
   * Runs one statement as pg does: `$1` stands for the first value. It spares what knex's builder and
   * `raw` take of the CPU, so it is for what is asked most often.
   *
   * @example
   * const { rows } = await request.db.query<{ id: number }>('SELECT id FROM users WHERE email = $1', [email])
   */
  // biome-ignore lint/suspicious/noExplicitAny: rows of unknown columns are `any`, as they are to pg
  query<Row = any>(text: string, values?: readonly unknown[]): Promise<QueryResult<Row>>
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
  readonly unitOfWork: UnitOfWork
  /** Stores what was done so far, now; the next statement begins a new transaction. */
  commit(): Promise<void>
}

/** What a statement came to. */
export interface QueryResult<Row> {
  /** What it gave, in order. */
  readonly rows: Row[]
  /** How many rows were read or written; `null` where the statement is of neither kind. */
  readonly rowCount: number | null
}

/** Runs a work in a session of its own, and stores what it did once it is done. */
export interface UnitOfWork {
  <T>(work: (db: DbSession<'read'>) => Promise<T>, options: DbRoute & { readonly mode: 'read' }): Promise<T>
  <T>(work: (db: DbSession) => Promise<T>, options?: DbRoute): Promise<T>
}

/**
 * What a session of mode `'read'` has not. It must stay a Knex for whatever takes one, so its writing methods are
 * there but cannot be called; and only those that come first: `db('users').where(…)` gives one of Knex's own builders.
 */
type WithoutWriting = Readonly<
  Record<
    | 'insert'
    | 'upsert'
    | 'update'
    | 'delete'
    | 'del'
    | 'truncate'
    | 'increment'
    | 'decrement'
    | 'onConflict'
    | 'batchInsert',
    never
  >
>

interface ReadOnly extends WithoutWriting {
  // biome-ignore lint/suspicious/noExplicitAny: rows of an unknown table are `any`, as they are to Knex
  <Row extends {} = any>(
    table: Knex.TableDescriptor | Knex.AliasDict,
  ): Knex.QueryBuilder<Row, Row[]> & WithoutWriting
}

/** Something that was sent to Postgres. */
export interface QueryEvent {
  /** `begin` travels with the first statement. */
  readonly kind: 'begin' | 'query' | 'savepoint' | 'commit' | 'rollback'
  /** The statement, with `$1` and so on for the values. */
  readonly sql: string
  /** The values, only where the option `bindings` asks for them. */
  readonly bindings?: readonly unknown[]
  /** Milliseconds since the session was opened. */
  readonly startedMs: number
  /** Milliseconds until it was answered; of `begin`: until there was a connection. */
  readonly durationMs: number
  /** How many rows it gave or changed, where Postgres says so. */
  readonly rowCount?: number
  /** The SQLSTATE of the error, or the code of the system's. */
  readonly error?: string
  /** The name of the constraint that was broken. */
  readonly constraint?: string
}
