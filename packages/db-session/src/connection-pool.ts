import { DbSessionError } from './errors.ts'
import { type Begin, type End, encodeStatements, type PgConnection } from './pg-wire.ts'

/** Where connections come from: the pool of a knex. `knex-adapter.ts` implements it. */
export interface Connections {
  /** The most connections the pool opens. */
  readonly max: number
  acquire(): Promise<PgConnection>
  release(connection: PgConnection): void
  /** Returns true if the error says that the pool itself had no connection in time. */
  isPoolTimeout(error: unknown): boolean
}

/** How a transaction begins and ends on this pool. `withRollback` makes each transaction a savepoint. */
export interface Verbs {
  begin(statements: readonly string[]): Begin
  readonly commit: string
  /** The command tag of a successful commit. */
  readonly committed: string
  readonly rollback: string
  /** What ends a transaction that has only read, in the message of its statement. */
  readonly endOfRead: End
  /** A failed COMMIT ends a transaction, but not a savepoint. */
  readonly rollsBackAfterFailedCommit: boolean
}

const encoded = new WeakMap<readonly string[], Begin>()

const TRANSACTION_VERBS: Verbs = {
  begin(statements) {
    let begin = encoded.get(statements)
    if (begin === undefined) {
      begin = encodeStatements(statements)
      encoded.set(statements, begin)
    }
    return begin
  },
  commit: 'COMMIT',
  committed: 'COMMIT',
  rollback: 'ROLLBACK',
  endOfRead: encodeStatements('COMMIT'),
  rollsBackAfterFailedCommit: false,
}

/** Requests may not take the last connection: it is left to units of work, which a request may wait for. */
export const LEVELS = { request: 0, unit: 1 } as const

type Take = (error: DbSessionError | null, lease?: Lease) => void

interface Waiter {
  readonly level: number
  readonly deadline: number
  readonly take: Take
  /** The pool has been asked for its connection. */
  isAdmitted: boolean
}

/** Lends connections to sessions, in order of arrival, each within a deadline. */
export class ConnectionPool {
  readonly verbs: Verbs
  readonly #connections: Connections
  readonly #timeoutMs: number
  /** Everyone who waits, the oldest first. */
  readonly #waiters = new Set<Waiter>()
  /** Connections in use or asked for, by level. */
  readonly #inUse: [number, number] = [0, 0]
  readonly #lost = new WeakSet<PgConnection>()
  readonly #watched = new WeakSet<PgConnection>()
  #timer: NodeJS.Timeout | undefined

  constructor(connections: Connections, timeoutMs: number, verbs: Verbs = TRANSACTION_VERBS) {
    this.verbs = verbs
    this.#connections = connections
    this.#timeoutMs = timeoutMs
  }

  /** Returns true if a session that holds a connection may wait for another one of this level. */
  canNest(level: number): boolean {
    return level <= LEVELS.unit && level < this.#connections.max
  }

  /** Calls `take` with a connection or an error. Returns a function that stops waiting, and returns true if it waited. */
  acquire(level: number, take: Take): () => boolean {
    const waiter = { level, deadline: performance.now() + this.#timeoutMs, take, isAdmitted: false }
    this.#waiters.add(waiter)
    this.#timer ??= setTimeout(this.#expire, this.#timeoutMs).unref()
    if (this.#mayEnter(level)) this.#admit(waiter)
    return () => this.#waiters.delete(waiter)
  }

  /** Returns true once the socket is gone. */
  isLost(connection: PgConnection): boolean {
    return this.#lost.has(connection)
  }

  /** Takes a connection back. Only its lease calls this. */
  takeBack(connection: PgConnection, level: number): void {
    this.#connections.release(connection)
    this.#leave(level)
  }

  #mayEnter(level: number): boolean {
    const [requests, units] = this.#inUse
    const { max } = this.#connections
    return level === LEVELS.request ? requests < Math.max(1, max - 1) : requests + units < max
  }

  #admit(waiter: Waiter): void {
    const { level } = waiter
    waiter.isAdmitted = true
    this.#inUse[level === LEVELS.request ? 0 : 1]++
    this.#connections.acquire().then(
      (connection) => {
        this.#watch(connection)
        if (this.#waiters.delete(waiter)) waiter.take(null, new Lease(this, connection, level))
        else this.takeBack(connection, level)
      },
      (error) => {
        this.#leave(level)
        if (this.#waiters.delete(waiter)) waiter.take(this.#translate(error))
      },
    )
  }

  #leave(level: number): void {
    this.#inUse[level === LEVELS.request ? 0 : 1]--
    for (const waiter of this.#waiters) {
      if (waiter.isAdmitted || !this.#mayEnter(waiter.level)) continue
      this.#admit(waiter)
      return
    }
  }

  #watch(connection: PgConnection): void {
    if (this.#watched.has(connection)) return
    this.#watched.add(connection)
    connection.on('error', () => this.#lost.add(connection))
    connection.on('end', () => this.#lost.add(connection))
  }

  #translate(error: unknown): DbSessionError {
    return this.#connections.isPoolTimeout(error)
      ? poolExhausted(this.#timeoutMs, error)
      : new DbSessionError('DB_SESSION_UNAVAILABLE', 'No connection to Postgres could be opened.', error)
  }

  #expire = (): void => {
    this.#timer = undefined
    const now = performance.now()
    for (const waiter of this.#waiters) {
      if (waiter.deadline - now >= 1) {
        clearTimeout(this.#timer)
        this.#timer = setTimeout(this.#expire, waiter.deadline - now).unref()
        return
      }
      this.#waiters.delete(waiter)
      waiter.take(poolExhausted(this.#timeoutMs))
    }
  }
}

/** A borrowed connection. It goes back exactly once: returning it twice would put two sessions on one connection. */
export class Lease {
  readonly connection: PgConnection
  readonly verbs: Verbs
  readonly #pool: ConnectionPool
  readonly #level: number
  #isReturned = false

  constructor(pool: ConnectionPool, connection: PgConnection, level: number) {
    this.connection = connection
    this.verbs = pool.verbs
    this.#pool = pool
    this.#level = level
  }

  /** Returns true once the socket is gone. */
  get isLost(): boolean {
    return this.#pool.isLost(this.connection)
  }

  /** Returns the connection to the pool. */
  release(): void {
    this.#assertFirstReturn()
    this.#pool.takeBack(this.connection, this.#level)
  }

  /** Closes the socket: whatever waits for a reply gets an error. */
  abandon(): void {
    this.connection.connection.stream.destroy()
  }

  /** Closes the connection, which rolls its transaction back, and returns the slot to the pool. */
  async discard(): Promise<void> {
    this.#assertFirstReturn()
    const { connection } = this
    if (!this.isLost) {
      const closed = new Promise((resolve) => connection.once('end', resolve))
      connection.end().catch(() => {})
      this.abandon()
      await closed
    }
    this.#pool.takeBack(connection, this.#level)
  }

  #assertFirstReturn(): void {
    if (this.#isReturned)
      throw new Error('A connection was returned to the pool twice. This is a bug in db-session.')
    this.#isReturned = true
  }
}

function poolExhausted(timeoutMs: number, cause?: unknown): DbSessionError {
  return new DbSessionError(
    'DB_SESSION_POOL_EXHAUSTED',
    `No connection became free within ${timeoutMs} ms.`,
    cause,
  )
}
