import { type Counter, type CreateCounter, msToWait } from './counter.ts'

const LONGEST_WAIT = 5 * 60

export interface FailureLimitOptions {
  name: string
  /** How many failures have no consequence. 0: the limit is off. */
  free: number
  /** How long a failure is remembered, in seconds. */
  memory: number
  createCounter: CreateCounter
}

/** What an attempt has taken of a limit, until it is known whether it failed. */
export interface Place {
  /** It was no failure. */
  giveBack(): Promise<unknown>
  /** It was a success, after which earlier failures of this key do not count either. */
  forgive(): Promise<unknown>
}

/**
 * A limit on failures: so many are free, and after each further one there is a wait of 1, 2, 4 … seconds, at most five minutes.
 *
 * An attempt is counted before it is made, so that of many at once no more pass than one after the other.
 */
export class FailureLimit {
  readonly name: string
  readonly #free: number
  readonly #count: Counter
  readonly #door: Counter

  constructor({ name, free, memory, createCounter }: FailureLimitOptions) {
    this.name = name
    this.#free = free
    this.#count = createCounter(name, free, memory)
    // Closed behind whoever goes through, for as long as the wait is.
    this.#door = createCounter(`${name}-wait`, 1, LONGEST_WAIT)
  }

  /** A place for an attempt, or the milliseconds to wait for one. */
  async take(key: string): Promise<Place | number> {
    if (this.#free === 0) return { giveBack: nothing, forgive: nothing }

    const { consumedPoints } = await this.#count.penalty(key)
    const excess = consumedPoints - this.#free
    if (excess > 0) {
      const ms = await msToWait(this.#door, key, Math.min(2 ** (excess - 1), LONGEST_WAIT))
      if (ms > 0) {
        await this.#count.reward(key)
        return ms
      }
    }
    const open = async () => excess > 0 && (await this.#door.delete(key))
    return {
      giveBack: async () => {
        await this.#count.reward(key)
        await open()
      },
      forgive: async () => {
        await this.#count.delete(key)
        await this.#door.delete(key)
      },
    }
  }
}

async function nothing(): Promise<void> {}
