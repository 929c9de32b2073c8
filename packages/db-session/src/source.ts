import type { Knex } from 'knex'
import type { Client } from 'pg'
import { DbSessionError } from './errors.ts'
import { Queue, type Ticket } from './queue.ts'

/**
 * The connection of a pool. Private: besides the public face of pg's Client the two numbers that a cancel request
 * needs, `ssl` and `connection.stream`. private-parts.test.ts fails when that changes.
 */
export type PgConnection = Client & { readonly processID: number; readonly secretKey: number }

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

/** How long a connection may go from session to session, past the pool. */
const CHECK_MS = 1_000

type Take = (error: DbSessionError | null, connection?: PgConnection) => void

/** Where sessions get their connections: the pool of a knex, with a queue before it. */
export class Source {
  readonly knex: Knex
  readonly verbs: Verbs = VERBS
  readonly queue: Queue
  readonly #acquireTimeoutMs: number
  readonly #ended = new WeakSet<PgConnection>()
  /** When each left the pool. */
  readonly #takenAt = new WeakMap<PgConnection, number>()
  #passedOn: PgConnection | undefined

  constructor(knex: Knex, acquireTimeoutMs: number, reserve: number, max = poolMax(knex)) {
    this.knex = knex
    this.#acquireTimeoutMs = acquireTimeoutMs
    this.queue = new Queue(max, reserve, acquireTimeoutMs)
  }

  /** Gives `take` a connection, or an error, unless the ticket has left the queue. */
  acquire(level: number, take: Take): Ticket {
    const turn = (ticket: Ticket): void => {
      this.fromPool().then(
        (connection) => {
          if (this.queue.leave(ticket)) take(null, connection)
          else this.release(connection, ticket)
        },
        (error) => {
          this.queue.exit(ticket)
          if (this.queue.leave(ticket)) take(unavailable(error))
        },
      )
    }
    return this.queue.join(level, turn, () =>
      take(
        new DbSessionError(
          'DB_SESSION_POOL_EXHAUSTED',
          `No connection became free within ${this.#acquireTimeoutMs} ms`,
        ),
      ),
    )
  }

  /** Gives a connection to whoever waits for one, or else back to the pool. */
  release(connection: PgConnection, ticket: Ticket): void {
    if (this.#mayPassOn(connection)) this.#passedOn = connection
    else this.toPool(connection)
    this.queue.exit(ticket)
    if (this.#passedOn === undefined) return
    this.#passedOn = undefined
    this.toPool(connection)
  }

  /**
   * To pass through the pool costs more than a statement, so a session that waits is given a connection directly. But
   * others who wait for the pool have their turn, and its checks of a connection (its age, say) are made now and then.
   *
   * Private: knex's types do not name the pool. One of pg's own in its place does not tell who waits for it, and is
   * never passed by. private-parts.test.ts fails when that changes
   */
  #mayPassOn(connection: PgConnection): boolean {
    const takenAt = this.#takenAt.get(connection) ?? 0
    return (
      !this.isLost(connection) &&
      performance.now() - takenAt < CHECK_MS &&
      this.knex.client.pool.numPendingAcquires?.() === 0
    )
  }

  /**
   * Closes a connection that cannot be trusted, then gives its slot back. Private: knex replaces what has ended.
   * private-parts.test.ts fails when that changes.
   */
  async discard(connection: PgConnection, ticket: Ticket): Promise<void> {
    if (!this.#ended.has(connection)) {
      const ended = new Promise((resolve) => connection.once('end', resolve))
      connection.end().catch(() => {})
      connection.connection.stream.destroy()
      await ended
    }
    this.release(connection, ticket)
  }

  /** The socket is gone, or as good as gone. */
  isLost(connection: PgConnection): boolean {
    return this.#ended.has(connection)
  }

  protected async fromPool(): Promise<PgConnection> {
    const passedOn = this.#passedOn
    if (passedOn) {
      this.#passedOn = undefined
      return passedOn
    }
    const connection: PgConnection = await this.knex.client.acquireConnection()
    if (!this.#takenAt.has(connection)) {
      connection.on('error', () => this.#ended.add(connection))
      connection.on('end', () => this.#ended.add(connection))
    }
    this.#takenAt.set(connection, performance.now())
    return connection
  }

  protected toPool(connection: PgConnection): void {
    this.knex.client.releaseConnection(connection)
  }
}

/** Private: knex lists the options of its pool nowhere. private-parts.test.ts fails when that changes. */
function poolMax({ client }: Knex): number {
  return client.config.pool?.max ?? client.poolDefaults().max
}

function unavailable(error: unknown): DbSessionError {
  // Private: knex's own time-out, where its pool's limit is the shorter one, has a name but no code.
  // private-parts.test.ts fails when that changes
  if (error instanceof Error && error.name === 'KnexTimeoutError') {
    return new DbSessionError(
      'DB_SESSION_POOL_EXHAUSTED',
      'No connection became free in the time the pool allows',
      error,
    )
  }
  return new DbSessionError('DB_SESSION_UNAVAILABLE', 'No connection to Postgres could be opened', error)
}
