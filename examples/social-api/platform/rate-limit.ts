/**
 * Protects everyone from one address that sends too much: 429 with `Retry-After`. The count is approximate and per process.
 * Failed logins are counted exactly, in Postgres: `src/auth/login-limiter.ts`.
 */
import { isIP } from 'node:net'
import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import ipaddr from 'ipaddr.js'
import { Problem } from '../src/problem.ts'

export interface RateLimitConfig {
  readonly throttles: {
    /** Requests from one address (for IPv6, one /64) per minute. 0: no limit. */
    readonly requestsPerMinute: number
  }
}

export async function registerRateLimit(app: FastifyInstance, { throttles }: RateLimitConfig) {
  if (throttles.requestsPerMinute === 0) return
  await app.register(rateLimit, {
    global: false,
    max: throttles.requestsPerMinute,
    timeWindow: '1 minute',
    keyGenerator: getClientNetwork,
  })
  // The plugin's own hook would skip unknown paths.
  const count = app.createRateLimit()
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.rateLimit === false) return
    const usage = await count(request)
    if (usage.isAllowed || !usage.isExceeded) return
    throw tooManyRequests(undefined, usage.ttlInSeconds)
  })
}

export function tooManyRequests(detail: string | undefined, seconds: number): Problem {
  const headers = { 'retry-after': String(Math.max(Math.ceil(seconds), 1)) }
  return new Problem('TOO_MANY_REQUESTS', detail, { headers })
}

/** Returns the network that a request counts for: the client's, or the proxy's if the proxy sent no address. */
export function getClientNetwork({ ip, socket }: FastifyRequest): string {
  return toNetwork(ip) ?? toNetwork(socket.remoteAddress) ?? 'unknown'
}

/**
 * Returns an IPv4 address as it is, and the /64 of an IPv6 address, because a client with one address of it has them all.
 * Returns undefined if the text is not an address. Some proxies append a port.
 */
export function toNetwork(text = ''): string | undefined {
  if (isIP(text) === 4) return text
  const bare = text.replace(/^\[([^\]]*)\](:\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1')
  if (!isIP(bare)) return undefined
  // Also turns an IPv4 address that is written as IPv6, `::ffff:192.0.2.1`, back into one.
  const address = ipaddr.process(bare)
  if (address instanceof ipaddr.IPv4) return address.toString()
  // RFC 6052: the client has an IPv4 address and came through a translator.
  if (address.range() === 'rfc6052') return ipaddr.fromByteArray(address.toByteArray().slice(12)).toString()
  const network = address.parts.slice(0, 4).map((part) => part.toString(16))
  return `${network.join(':')}::/64`
}

/** Returns true for an IP address, and for a range such as 10.1.0.0/16, but not for the range of all addresses. */
export function isAddressOrRange(text: string): boolean {
  const [address = ''] = text.split('/')
  if (isIP(address) === 0 || address.includes('%') || text.endsWith('/0')) return false
  return text === address || ipaddr.isValidCIDR(text)
}
