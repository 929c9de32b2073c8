import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import { RateLimiterPostgres } from 'rate-limiter-flexible'
import { tooManyRequests } from '../../platform/rate-limit.ts'

const MAX_WAIT_S = 5 * 60
const POLL_MS = 100

export interface FailureLimitOptions {
  /** How many failures have no consequence. 0: the limit is off. */
  readonly free: number
  /** How long failures are remembered, in seconds. */
  readonly windowS: number
  /** True if a right password also deletes the earlier failures of its key. @default false */
  readonly isResetBySuccess?: boolean
}

/** How an attempt ended. It is `wrong` if its client disconnects, and `unchecked` if it was rejected before the check. */
export type Outcome = 'right' | 'wrong' | 'unchecked'

/** Ends an attempt that was charged. */
export type Settle = (outcome: Outcome) => Promise<unknown>

/**
 * Limits failures by key: `free` of them have no consequence. After each further one there is a wait of 1, 2, 4 … seconds,
 * 5 minutes at most. An attempt during the wait doubles it.
 *
 * Everything is counted in Postgres, so that all processes share the counts, and a restart loses none.
 */
export class FailureLimit {
  readonly #knex: Knex
  readonly #options: FailureLimitOptions
  readonly #attempts: RateLimiterPostgres
  readonly #waits: RateLimiterPostgres
  /** By key: settles when the last attempt in line has been charged or rejected. */
  readonly #lines = new Map<string, Promise<unknown>>()

  constructor(knex: Knex, name: string, options: FailureLimitOptions) {
    this.#knex = knex
    this.#options = options
    this.#attempts = createLimiter(knex, name, options.free, options.windowS)
    this.#waits = createLimiter(knex, `${name}-wait`, 1, MAX_WAIT_S)
  }

  /**
   * Charges an attempt before it is made. Otherwise concurrent attempts could exceed the limit, and a client could avoid the
   * charge by disconnecting.
   *
   * An attempt that exceeds the limit only because others are still being checked waits for them until `deadline`
   * (milliseconds since 1970).
   *
   * @throws {Problem} 429 if the limit is reached
   */
  async charge(key: string, deadline: number): Promise<Settle> {
    const { free } = this.#options
    if (free === 0) return async () => {}
    return this.#queueUp(key, async () => {
      while ((await this.#attempts.penalty(key)).consumedPoints > free) {
        const { failures = 0 } = (await this.#row(key).first()) ?? {}
        if (failures >= free || Date.now() >= deadline) return this.#passOrWait(key, failures - free)
        await this.#refund(key)
        await sleep(POLL_MS)
      }
      return (outcome) => this.#settle(key, outcome)
    })
  }

  /** One attempt passes; the next one passes when the wait is over. */
  async #passOrWait(key: string, failuresOverLimit: number): Promise<Settle> {
    const excess = Math.max(failuresOverLimit, 0)
    const customDuration = Math.min(2 ** excess, MAX_WAIT_S)
    const { consumedPoints } = await this.#waits.penalty(key, 1, { customDuration })
    if (consumedPoints > 1) {
      // The attempt that passed has failed by now, or is about to.
      const wait = Math.min(Math.max(2 ** (excess + consumedPoints - 3), 1), MAX_WAIT_S)
      await Promise.all([this.#waits.set(key, consumedPoints, wait), this.#refund(key)])
      throw tooManyRequests('Too many passwords were wrong. Wait before you try again.', wait)
    }
    return async (outcome) => {
      if (outcome !== 'wrong') await this.#waits.delete(key)
      await this.#settle(key, outcome)
    }
  }

  async #settle(key: string, outcome: Outcome): Promise<unknown> {
    if (outcome === 'right' && this.#options.isResetBySuccess) return this.#attempts.delete(key)
    if (outcome !== 'wrong') return this.#refund(key)
    return this.#row(key).update({ failures: this.#knex.raw('least(failures + 1, points)') })
  }

  /** Not the library's `reward`, which would store a credit of -1 if the window has ended in between. */
  async #refund(key: string): Promise<void> {
    await this.#row(key)
      .where('points', '>', 0)
      .update({
        points: this.#knex.raw('points - 1'),
        failures: this.#knex.raw('least(failures, points - 1)'),
      })
  }

  #row(key: string): Knex.QueryBuilder {
    return this.#knex('rate_limits').where({ key: this.#attempts.getKey(key) })
  }

  /** Calls `charge` after all earlier calls for the key, so that only one of them at a time queries the database. */
  async #queueUp<T>(key: string, charge: () => Promise<T>): Promise<T> {
    const turn = (this.#lines.get(key) ?? Promise.resolve()).then(charge)
    const end = turn.catch(() => {})
    this.#lines.set(key, end)
    try {
      return await turn
    } finally {
      if (this.#lines.get(key) === end) this.#lines.delete(key)
    }
  }
}

/** Creates a counter of the library in our table, which a migration creates and `cleanup.ts` cleans up. */
export function createLimiter(knex: Knex, keyPrefix: string, points: number, duration: number) {
  return new RateLimiterPostgres({
    storeType: 'pool',
    storeClient: {
      // The library names its statements, which PgBouncer's transaction mode did not support before 1.21.
      query: ({ text, values }: { text: string; values: unknown[] }) =>
        knex.raw(text.replaceAll('$', ':'), Object.fromEntries(values.map((value, i) => [i + 1, value]))),
    },
    tableName: 'rate_limits',
    tableCreated: true,
    clearExpiredByTimeout: false,
    keyPrefix,
    points,
    duration,
  })
}
