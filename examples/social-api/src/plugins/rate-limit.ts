import rateLimit from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../problem.ts'
import { problems } from '../schemas/problem.ts'
import { networkOfRequest } from './network.ts'

export interface RateLimitOptions {
  throttles: {
    /** Requests from one address per minute. 0: no limit. */
    readonly requestsPerMinute: number
  }
}

/**
 * Protects the service from a client that sends too many requests: every response, also to unknown and malformed paths,
 * counts for the client's address.
 *
 * The count is approximate and per process. Register it before everything that responds in an `onRequest` hook.
 */
export default fp<RateLimitOptions>(async (app, { throttles: { requestsPerMinute } }) => {
  await app.register(rateLimit, {
    global: false,
    max: requestsPerMinute,
    timeWindow: '1 minute',
    keyGenerator: networkOfRequest,
  })
  const count = app.createRateLimit()

  app.decorate('limitRequests', async (request: FastifyRequest) => {
    if (requestsPerMinute === 0 || request.routeOptions.config?.rateLimit === false) return
    const usage = await count(request)
    if (usage.isAllowed || !usage.isExceeded) return
    throw new Problem('TOO_MANY_REQUESTS', 'Too many requests from your IP address.', {
      headers: { 'retry-after': String(Math.max(usage.ttlInSeconds, 1)) },
    })
  })
  app.addHook('onRequest', app.limitRequests)
  app.addHook('onRoute', ({ config, schema }) => {
    if (config?.rateLimit !== false && schema?.response) {
      schema.response = { ...problems('TOO_MANY_REQUESTS'), ...schema.response }
    }
  })
})

declare module 'fastify' {
  interface FastifyInstance {
    /** Throws a 429 if the client's address has sent too many requests. Called where hooks do not run. */
    limitRequests(request: FastifyRequest): Promise<void>
  }
}
