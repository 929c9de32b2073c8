import { DbSessionError } from './errors.ts'
import { type Encoded, encode, type PgConnection } from './pg-wire.ts'

/** Where connections come from: the pool of a knex. */
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
  begin(statements: readonly string[]): Encoded
  readonly commit: string
  /** The command tag of a successful commit. */
  readonly committed: string
  readonly rollback: string
  /** What ends a transaction that has only read, in the message of its statement. */
  readonly endOfRead: Encoded
  /** A failed COMMIT ends a transaction, but not a savepoint. */
  readonly rollsBackAfterFailedCommit: boolean
}

const encoded = new WeakMap<readonly string[], Encoded>()

const TRANSACTION_VERBS: Verbs = {
  begin(statements) {
    const begin = encoded.get(statements) ?? encode(statements)
    encoded.set(statements, begin)
    return begin
  },
  commit: 'COMMIT',
  committed: 'COMMIT',
  rollback: 'ROLLBACK',
  endOfRead: encode('COMMIT'),
  rollsBackAfterFailedCommit: false,
}

/** Requests leave the last connection to units of work, which a request may wait for. */
export const LEVELS = { request: 0, unit: 1 } as const

interface Waiter {
  readonly isUnit: boolean
  readonly deadline: number
  resolve(lease: Lease): void
  reject(error: DbSessionError): void
  /** The pool has been asked for its connection. */
  isAdmitted: boolean
}

/** A connection that was asked for. */
export interface Waiting {
  readonly lease: Promise<Lease>
  /** Stops waiting. Returns false if the wait is over already. */
  stop(): boolean
}

/** Lends connections to sessions, in order of arrival, each within a deadline. */
export class ConnectionPool {
  readonly verbs: Verbs
  readonly #connections: Connections
  readonly #timeoutMs: number
  /** Everyone who waits, the oldest first. */
  readonly #waiters = new Set<Waiter>()
  #requests = 0
  #units = 0
  readonly #watched = new WeakSet<PgConnection>()
  readonly #lost = new WeakSet<PgConnection>()
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

  /** Asks for a connection; the promise rejects if none becomes free in time. */
  acquire(level: number): Waiting {
    const { promise, ...settle } = deferred<Lease>()
    const isUnit = level > LEVELS.request
    const waiter = { isUnit, deadline: performance.now() + this.#timeoutMs, isAdmitted: false, ...settle }
    this.#waiters.add(waiter)
    this.#timer ??= setTimeout(this.#expire, this.#timeoutMs).unref()
    this.#admit(waiter)
    return { lease: promise, stop: () => this.#waiters.delete(waiter) }
  }

  /** Returns true once the socket is gone. */
  isLost(connection: PgConnection): boolean {
    return this.#lost.has(connection)
  }

  /** Takes a connection back. Only its lease calls this. */
  takeBack(connection: PgConnection, isUnit: boolean): void {
    this.#connections.release(connection)
    this.#leave(isUnit)
  }

  async #admit(waiter: Waiter): Promise<void> {
    const { isUnit } = waiter
    const { max } = this.#connections
    if (isUnit ? this.#requests + this.#units >= max : this.#requests >= Math.max(1, max - 1)) return
    waiter.isAdmitted = true
    if (isUnit) this.#units++
    else this.#requests++
    try {
      const connection = await this.#connections.acquire()
      this.#watch(connection)
      if (this.#waiters.delete(waiter)) waiter.resolve(new Lease(this, connection, isUnit))
      else this.takeBack(connection, isUnit)
    } catch (error) {
      this.#leave(isUnit)
      if (!this.#waiters.delete(waiter)) return
      const isTimeout = this.#connections.isPoolTimeout(error)
      waiter.reject(
        new DbSessionError(isTimeout ? 'DB_SESSION_POOL_EXHAUSTED' : 'DB_SESSION_UNAVAILABLE', error),
      )
    }
  }

  #leave(isUnit: boolean): void {
    if (isUnit) this.#units--
    else this.#requests--
    for (const waiter of this.#waiters) {
      if (waiter.isAdmitted) continue
      this.#admit(waiter)
      if (waiter.isAdmitted) return
    }
  }

  #watch(connection: PgConnection): void {
    if (this.#watched.has(connection)) return
    this.#watched.add(connection)
    connection.on('error', () => this.#lost.add(connection))
    connection.on('end', () => this.#lost.add(connection))
  }

  #expire = (): void => {
    const now = performance.now()
    this.#timer = undefined
    for (const waiter of this.#waiters) {
      if (waiter.deadline - now >= 1) {
        this.#timer = setTimeout(this.#expire, waiter.deadline - now).unref()
        return
      }
      this.#waiters.delete(waiter)
      waiter.reject(new DbSessionError('DB_SESSION_POOL_EXHAUSTED'))
    }
  }
}

/** A borrowed connection. It goes back exactly once: returning it twice would put two sessions on one connection. */
export class Lease {
  readonly connection: PgConnection
  readonly verbs: Verbs
  readonly #pool: ConnectionPool
  readonly #isUnit: boolean
  #isReturned = false

  constructor(pool: ConnectionPool, connection: PgConnection, isUnit: boolean) {
    this.connection = connection
    this.verbs = pool.verbs
    this.#pool = pool
    this.#isUnit = isUnit
  }

  /** Returns true once the socket is gone. */
  get isLost(): boolean {
    return this.#pool.isLost(this.connection)
  }

  /** Returns the connection to the pool. */
  release(): void {
    this.#assertFirstReturn()
    this.#pool.takeBack(this.connection, this.#isUnit)
  }

  /** Closes the socket: whatever waits for a reply gets an error. */
  abandon(): void {
    this.connection.connection.stream.destroy()
  }

  /** Closes the connection, which rolls its transaction back, and returns the slot to the pool. */
  async discard(): Promise<void> {
    this.#assertFirstReturn()
    if (!this.isLost) {
      const closed = new Promise((resolve) => this.connection.once('end', resolve))
      this.connection.end().catch(() => {})
      this.abandon()
      await closed
    }
    this.#pool.takeBack(this.connection, this.#isUnit)
  }

  #assertFirstReturn(): void {
    if (this.#isReturned) throw new Error('A connection was returned twice. This is a bug in db-session.')
    this.#isReturned = true
  }
}

/** Returns a promise and the functions that settle it. */
export function deferred<T>(): {
  promise: Promise<T>
  resolve(value: T): void
  reject(error: Error): void
} {
  let settle: { resolve(value: T): void; reject(error: Error): void } | undefined
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  return { promise, ...(settle as NonNullable<typeof settle>) }
}
