/**
 * Protects everyone from one address that sends too much: 429 with `Retry-After`. The count is approximate and per process.
 * Failed logins are counted exactly, in Postgres: `src/auth/login-limiter.ts`.
 *
 * A hook of our own calls the plugin, whose own hook would skip unknown paths.
 */
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import { Problem } from '../src/problem.ts'

export interface RateLimitConfig {
  readonly throttles: {
    /** Requests from one address (of IPv6, from one /64) per minute. 0: no limit. */
    readonly requestsPerMinute: number
  }
}

export async function registerRateLimit(
  app: FastifyInstance,
  { throttles: { requestsPerMinute } }: RateLimitConfig,
) {
  if (requestsPerMinute === 0) return
  await app.register(rateLimit, { global: false, max: requestsPerMinute, timeWindow: '1 minute' })
  const count = app.createRateLimit()
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.rateLimit === false) return
    const usage = await count(request)
    if (usage.isAllowed || !usage.isExceeded) return
    throw new Problem('TOO_MANY_REQUESTS', undefined, {
      headers: { 'retry-after': String(usage.ttlInSeconds) },
    })
  })
}
