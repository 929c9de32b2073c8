import type { Redis } from 'ioredis'
import { type RateLimiterLike, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible'
import { MemoryCounter } from './memory.ts'

/** Makes a counter of `points` in `duration` seconds a key. */
export type CreateCounter = (name: string, points: number, duration: number) => Counter

export type Counter = RateLimiterLike

/** Of each counter. When all of them are full, they take about 60 MB. */
const MAX_KEYS = 20_000

/** Counters that all processes share in Redis, where there is one and it answers; else each process has its own. */
export function counters(redis: Redis | undefined, now: () => number): CreateCounter {
  return (name, points, duration) => {
    const memory = new MemoryCounter({ name, points, duration, maxKeys: MAX_KEYS, now })
    if (redis === undefined) return memory
    return new RateLimiterRedis({
      storeClient: redis,
      keyPrefix: `social-api:throttle:${name}`,
      points,
      duration,
      rejectIfRedisNotReady: true,
      insuranceLimiter: memory,
    })
  }
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
