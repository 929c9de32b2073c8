import { type RateLimiterLike, RateLimiterRes } from 'rate-limiter-flexible'
import { MemoryCounter } from './memory.ts'

/** Makes a counter of `points` in `duration` seconds a key. */
export type CreateCounter = (name: string, points: number, duration: number) => Counter

export type Counter = RateLimiterLike

/** Of each counter. When all of them are full, they take about 60 MB. */
const MAX_KEYS = 20_000

/** Counters of this process. */
export function counters(now: () => number): CreateCounter {
  return (name, points, duration) => new MemoryCounter({ name, points, duration, maxKeys: MAX_KEYS, now })
}

/** Counts one; answers with the milliseconds to wait where that was one too many, else with 0. */
export async function msToWait(counter: Counter, key: string, duration?: number): Promise<number> {
  try {
    await counter.consume(key, 1, duration === undefined ? {} : { customDuration: duration })
    return 0
  } catch (refusal) {
    if (refusal instanceof RateLimiterRes) return Math.max(refusal.msBeforeNext, 1)
    throw refusal
  }
}
