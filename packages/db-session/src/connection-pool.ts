import { DbSessionError } from './errors.ts'
import type { TransactionSpec } from './options.ts'
import { closeSocket, type Encoded, encode, isLost, type PgConnection } from './pg-wire.ts'
import type { BeginStatement } from './types.ts'

/** The source of connections: the pool of a knex. */
export interface Connections {
  readonly max: number
  acquire(): Promise<PgConnection>
  release(connection: PgConnection): void
  isPoolTimeout(error: unknown): boolean
}

/** The statements that begin and end a transaction on this pool. `withRollback` makes each transaction a savepoint. */
export interface Verbs {
  begin(spec: TransactionSpec, extra: readonly BeginStatement[]): Encoded
  readonly commit: string
  /** The command tag of a successful commit. */
  readonly committed: string
  readonly rollback: string
  /** Ends a transaction that has only read, in the same message as its statement. */
  readonly endOfRead: Encoded
}

const TRANSACTION_VERBS: Verbs = {
  begin: ({ begin, statements }, extra) => (extra.length === 0 ? begin : encode([...statements, ...extra])),
  commit: 'COMMIT',
  committed: 'COMMIT',
  rollback: 'ROLLBACK',
  endOfRead: encode(['COMMIT']),
}

interface Waiter {
  readonly isUnit: boolean
  /** True once knex's pool has been asked for a connection. */
  isAdmitted: boolean
  resolve(lease: Lease): void
  reject(error: DbSessionError): void
}

export interface Waiting {
  readonly lease: Promise<Lease>
  /** Stops waiting. Returns false if the wait is over already. */
  stop(): boolean
}

/** Lends connections to sessions, in order of arrival, each within a deadline. */
export class ConnectionPool {
  readonly verbs: Verbs
  /** True if a request that holds a connection may wait for a unit of work. */
  readonly canNest: boolean
  readonly #connections: Connections
  readonly #timeoutMs: number
  readonly #waiters = new Set<Waiter>()
  #lent = 0
  #lentToRequests = 0

  constructor(connections: Connections, timeoutMs: number, verbs: Verbs = TRANSACTION_VERBS) {
    this.verbs = verbs
    this.canNest = connections.max > 1
    this.#connections = connections
    this.#timeoutMs = timeoutMs
  }

  /** Rejects if no connection becomes free in time. Requests leave the last one to units of work that they wait for. */
  acquire(isUnit: boolean): Waiting {
    let stop = (): boolean => false
    const lease = new Promise<Lease>((resolve, reject) => {
      const waiter = { isUnit, isAdmitted: false, resolve, reject }
      const timer = setTimeout(() => {
        if (stop()) reject(new DbSessionError('DB_SESSION_POOL_EXHAUSTED'))
      }, this.#timeoutMs).unref()
      stop = () => {
        clearTimeout(timer)
        return this.#waiters.delete(waiter)
      }
      this.#waiters.add(waiter)
      this.#admit(waiter)
    })
    return { lease: lease.finally(stop), stop }
  }

  async #admit(waiter: Waiter): Promise<void> {
    const { isUnit } = waiter
    const { max } = this.#connections
    if (isUnit ? this.#lent >= max : this.#lentToRequests >= Math.max(1, max - 1)) return
    waiter.isAdmitted = true
    this.#lent++
    if (!isUnit) this.#lentToRequests++
    try {
      const connection = await this.#connections.acquire()
      const lease = lend(connection, this.verbs, () => {
        this.#connections.release(connection)
        this.#admitNext(isUnit)
      })
      if (this.#waiters.delete(waiter)) waiter.resolve(lease)
      else lease.release()
    } catch (error) {
      this.#admitNext(isUnit)
      const isTimeout = this.#connections.isPoolTimeout(error)
      const code = isTimeout ? 'DB_SESSION_POOL_EXHAUSTED' : 'DB_SESSION_UNAVAILABLE'
      waiter.reject(new DbSessionError(code, error))
    }
  }

  #admitNext(wasUnit: boolean): void {
    this.#lent--
    if (!wasUnit) this.#lentToRequests--
    for (const waiter of this.#waiters) {
      if (waiter.isAdmitted) continue
      this.#admit(waiter)
      if (waiter.isAdmitted) return
    }
  }
}

export type Lease = ReturnType<typeof lend>

/** Lends a connection. It goes back exactly once: returning it twice would put two sessions on one connection. */
function lend(connection: PgConnection, verbs: Verbs, takeBack: () => void) {
  let isReturned = false
  const assertFirstReturn = (): void => {
    if (isReturned) throw new Error('A connection was returned twice. This is a bug in db-session.')
    isReturned = true
  }
  return {
    connection,
    verbs,
    release(): void {
      assertFirstReturn()
      takeBack()
    },
    /** Closes the connection, which rolls its transaction back, and returns the slot to the pool. */
    async discard(): Promise<void> {
      assertFirstReturn()
      if (!isLost(connection)) {
        const closed = new Promise((resolve) => connection.once('end', resolve))
        connection.end().catch(() => {})
        closeSocket(connection)
        await closed
      }
      takeBack()
    },
  }
}
