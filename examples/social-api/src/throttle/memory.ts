import { LRUCache } from 'lru-cache'
import { RateLimiterCompatibleAbstract, RateLimiterRes } from 'rate-limiter-flexible'

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

interface Lifetime {
  /** In seconds. */
  customDuration?: number
}

/** A counter in this process's memory. The library's own takes as many keys, and timers, as there come addresses. */
export class MemoryCounter extends RateLimiterCompatibleAbstract {
  override readonly keyPrefix: string
  override blockDuration = 0
  override execEvenly = false
  readonly #points: number
  readonly #duration: number
  readonly #counts: LRUCache<string, { points: number }>

  constructor({ name, points, duration, maxKeys, now }: MemoryOptions) {
    super()
    this.keyPrefix = name
    this.#points = points
    this.#duration = duration
    // Bounded by a size of one for each: with `max` its lists are as long as that from the start.
    this.#counts = new LRUCache({
      maxSize: maxKeys,
      sizeCalculation: () => 1,
      perf: { now },
      ttlResolution: 0,
    })
  }

  get size(): number {
    return this.#counts.size
  }

  override async consume(key: string, points = 1, options?: Lifetime): Promise<RateLimiterRes> {
    const result = this.#add(key, points, options)
    if (result.consumedPoints > this.#points) throw result
    return result
  }

  override async penalty(key: string, points = 1, options?: Lifetime): Promise<RateLimiterRes> {
    return this.#add(key, points, options)
  }

  override async reward(key: string, points = 1): Promise<RateLimiterRes> {
    return this.#add(key, -points)
  }

  override async get(key: string): Promise<RateLimiterRes | null> {
    return this.#counts.has(key) ? this.#add(key, 0) : null
  }

  override async set(key: string, points: number, duration: number): Promise<RateLimiterRes> {
    this.#counts.delete(key)
    return this.#add(key, points, { customDuration: duration })
  }

  override async delete(key: string): Promise<boolean> {
    return this.#counts.delete(key)
  }

  #add(key: string, points: number, { customDuration = this.#duration }: Lifetime = {}): RateLimiterRes {
    const known = this.#counts.get(key)
    const count = known ?? { points: 0 }
    if (known === undefined) this.#counts.set(key, count, { ttl: customDuration * 1000 })
    // A point may be given back after its time is over.
    count.points = Math.max(count.points + points, 0)
    const msBeforeNext = this.#counts.getRemainingTTL(key)
    return new RateLimiterRes(
      Math.max(this.#points - count.points, 0),
      msBeforeNext,
      count.points,
      known === undefined,
    )
  }
}
