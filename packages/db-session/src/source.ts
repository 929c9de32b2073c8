import type { Knex } from 'knex'
import type { Client } from 'pg'
import { DbSessionError } from './errors.ts'

/** The connection of a pool: the public face of pg's Client, and the two numbers a cancel request needs. */
export type PgConnection = Client & { readonly processID: number; readonly secretKey: number }

/** A place in the queue for a connection. */
export interface Ticket {
  readonly connection: Promise<PgConnection>
  /** Leaves the queue; a connection that comes all the same goes straight back. */
  leave(): void
}

/** How a transaction begins and ends. */
export interface Verbs {
  begin(statements: readonly string[]): readonly string[]
  readonly commit: string
  /** The command tag that says it is stored. */
  readonly committed: string
  readonly rollback: string
  /** A COMMIT that fails leaves nothing behind; a savepoint's does. */
  readonly undoFailedCommit: boolean
}

const VERBS: Verbs = {
  begin: (statements) => statements,
  commit: 'COMMIT',
  committed: 'COMMIT',
  rollback: 'ROLLBACK',
  undoFailedCommit: false,
}

/** Where sessions get their connections: the pool of a knex, a queue with a time limit before it. */
export class Source {
  readonly knex: Knex
  readonly verbs: Verbs = VERBS
  readonly #acquireTimeoutMs: number
  readonly #limit: number
  readonly #waiting = new Set<() => void>()
  readonly #ended = new WeakSet<PgConnection>()
  readonly #known = new WeakSet<PgConnection>()
  #inUse = 0

  constructor(knex: Knex, acquireTimeoutMs: number, reserve?: number) {
    this.knex = knex
    this.#acquireTimeoutMs = acquireTimeoutMs
    const max: number = knex.client.config.pool?.max ?? knex.client.poolDefaults().max
    this.#limit = Math.max(1, max - (reserve ?? 1))
  }

  /** Requests leave the reserve alone, so that whoever holds a connection and needs one more gets it. */
  acquire(counted: boolean): Ticket {
    let state: 'waiting' | 'served' | 'left' = 'waiting'
    let leave = (): void => {}
    const connection = new Promise<PgConnection>((resolve, reject) => {
      const timer = setTimeout(() => {
        leave()
        reject(
          new DbSessionError(
            'DB_SESSION_POOL_EXHAUSTED',
            `No connection became free within ${this.#acquireTimeoutMs} ms`,
          ),
        )
      }, this.#acquireTimeoutMs)
      const enter = (): void => {
        this.#waiting.delete(enter)
        if (counted) this.#inUse++
        this.fromPool().then(
          (got) => {
            clearTimeout(timer)
            if (state === 'left') return this.release(got, counted)
            state = 'served'
            resolve(got)
          },
          (error) => {
            clearTimeout(timer)
            this.#exit(counted)
            reject(unavailable(error))
          },
        )
      }
      leave = () => {
        clearTimeout(timer)
        this.#waiting.delete(enter)
        if (state === 'waiting') state = 'left'
      }
      if (counted && this.#inUse >= this.#limit) this.#waiting.add(enter)
      else enter()
    })
    return { connection, leave }
  }

  release(connection: PgConnection, counted: boolean): void {
    this.toPool(connection)
    this.#exit(counted)
  }

  /** Closes a connection that cannot be trusted, then gives its slot back: knex replaces what has ended. */
  async discard(connection: PgConnection, counted: boolean): Promise<void> {
    if (!this.#ended.has(connection)) {
      const ended = new Promise((resolve) => connection.once('end', resolve))
      connection.end().catch(() => {})
      connection.connection.stream.destroy()
      await ended
    }
    this.release(connection, counted)
  }

  /** The socket is gone, or as good as gone. */
  isLost(connection: PgConnection): boolean {
    return this.#ended.has(connection)
  }

  protected async fromPool(): Promise<PgConnection> {
    const connection: PgConnection = await this.knex.client.acquireConnection()
    if (!this.#known.has(connection)) {
      this.#known.add(connection)
      connection.on('error', () => this.#ended.add(connection))
      connection.on('end', () => this.#ended.add(connection))
    }
    return connection
  }

  protected toPool(connection: PgConnection): void {
    this.knex.client.releaseConnection(connection)
  }

  #exit(counted: boolean): void {
    if (!counted) return
    this.#inUse--
    const [next] = this.#waiting
    next?.()
  }
}

function unavailable(error: unknown): DbSessionError {
  // knex's own time-out, where its pool's limit is the shorter one, has a name but no code
  if (error instanceof Error && error.name === 'KnexTimeoutError') {
    return new DbSessionError(
      'DB_SESSION_POOL_EXHAUSTED',
      'No connection became free in the time the pool allows',
      error,
    )
  }
  return new DbSessionError('DB_SESSION_UNAVAILABLE', 'No connection to Postgres could be opened', error)
}
