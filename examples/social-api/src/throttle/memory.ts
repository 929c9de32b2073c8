import { LRUCache } from 'lru-cache'
import { RateLimiterRes, RateLimiterStoreAbstract } from 'rate-limiter-flexible'

export interface MemoryOptions {
  name: string
  points: number
  /** In seconds. */
  duration: number
  /** The most keys that are remembered; the one that was counted longest ago is forgotten first. */
  maxKeys: number
  /** The time in milliseconds. */
  now: () => number
}

interface Count {
  points: number
  msBeforeNext: number
}

/** A counter in this process's memory. The library's own takes as many keys, and timers, as there come addresses. */
export class MemoryCounter extends RateLimiterStoreAbstract {
  readonly #counts: LRUCache<string, { points: number }>

  constructor({ name, points, duration, maxKeys, now }: MemoryOptions) {
    super({ keyPrefix: name, points, duration, storeClient: undefined })
    this.#counts = new LRUCache({ max: maxKeys, perf: { now }, ttlResolution: 0 })
  }

  get size(): number {
    return this.#counts.size
  }

  // The four methods that the library asks of a store.

  async _upsert(key: string, points: number, ms: number, isReplacing: boolean): Promise<Count> {
    const known = isReplacing ? undefined : this.#counts.get(key)
    const count = known ?? { points: 0 }
    if (known === undefined) this.#counts.set(key, count, { ttl: ms })
    // A point may be given back after its time is over, or after Redis, where it was taken, has gone.
    count.points = Math.max(count.points + points, 0)
    return this.#read(key, count)
  }

  async _get(key: string): Promise<Count | null> {
    const count = this.#counts.get(key)
    return count === undefined ? null : this.#read(key, count)
  }

  async _delete(key: string): Promise<boolean> {
    return this.#counts.delete(key)
  }

  _getRateLimiterRes(_key: string, changed: number, { points, msBeforeNext }: Count): RateLimiterRes {
    return new RateLimiterRes(Math.max(this.points - points, 0), msBeforeNext, points, points === changed)
  }

  #read(key: string, { points }: { points: number }): Count {
    return { points, msBeforeNext: this.#counts.getRemainingTTL(key) }
  }
}
