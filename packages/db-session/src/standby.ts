import type { FastifyBaseLogger } from 'fastify'
import type { QueryResult } from 'pg'
import { type Begin, sendFirst } from './first-query.ts'
import type { ReplicaCondition } from './options.ts'
import type { Ticket } from './queue.ts'
import type { PgConnection, Source } from './source.ts'
import { within } from './within.ts'

/** A connection of the replica, with a transaction begun. */
export interface Held {
  readonly source: Source
  readonly connection: PgConnection
  readonly ticket: Ticket
}

/** How long a replica that cannot be used is left alone: so few requests wait for one that is silent. */
const REST_MS = 1_000

/** The replica, where it serves a session only on a condition. */
export class Standby {
  readonly #source: Source
  readonly #waitMs: number
  readonly #log: FastifyBaseLogger
  #restsUntil = 0
  #isGone = false

  /** @param waitMs - how long the answer to a condition is waited for */
  constructor(source: Source, waitMs: number, log: FastifyBaseLogger) {
    this.#source = source
    this.#waitMs = waitMs
    this.#log = log
  }

  /**
   * Begins a transaction and asks for the condition in it, so that what answers is what serves; `undefined` where it
   * does not hold, or where the replica cannot be used. Never rejects.
   */
  async begin(condition: ReplicaCondition, begin: Begin, level: number): Promise<Held | undefined> {
    if (performance.now() < this.#restsUntil) return undefined
    // One finds out whether it is back, and the others do not wait with it.
    if (this.#isGone) this.#restsUntil = Number.POSITIVE_INFINITY
    try {
      const held = await this.#acquire(level)
      const holds = await this.#ask(held, begin, condition)
      this.#isBack()
      if (holds) return held
      this.#source.release(held.connection, held.ticket)
    } catch (error) {
      this.#rest(error)
    }
    return undefined
  }

  #acquire(level: number): Promise<Held> {
    return new Promise((resolve, reject) => {
      const ticket = this.#source.acquire(level, (error, connection) => {
        if (connection) resolve({ source: this.#source, connection, ticket })
        else reject(error)
      })
    })
  }

  /** Resolves with whether it holds; where not, the transaction is over. Rejects when the connection is closed. */
  async #ask({ connection, ticket }: Held, begin: Begin, { text, values = [] }: ReplicaCondition) {
    const ask = async (): Promise<boolean> => {
      const { rows } = await new Promise<QueryResult>((resolve, reject) => {
        sendFirst(connection, begin, { text, values: [...values] }, (error, result) =>
          error ? reject(error) : resolve(result as QueryResult),
        )
      })
      if (Object.values(rows[0] ?? {})[0] === true) return true
      await connection.query('ROLLBACK')
      return false
    }
    try {
      const late = new Error(`The replica did not answer within ${this.#waitMs} ms`)
      const answer = await within(this.#waitMs, ask(), late)
      if (answer === late) throw late
      return answer === true
    } catch (error) {
      await this.#source.discard(connection, ticket)
      throw error
    }
  }

  #rest(err: unknown): void {
    this.#restsUntil = performance.now() + REST_MS
    if (!this.#isGone) this.#log.warn({ err }, 'the replica cannot be used: the primary serves what is read')
    this.#isGone = true
  }

  #isBack(): void {
    if (this.#isGone) this.#log.info('the replica is back')
    this.#isGone = false
    this.#restsUntil = 0
  }
}
