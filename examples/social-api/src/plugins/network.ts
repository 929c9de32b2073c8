import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import ipaddr from 'ipaddr.js'

/** The network that a request is counted for: its client's, or the proxy's own if that sent no address. */
export function networkOfRequest({ ip, socket }: FastifyRequest): string {
  return networkOf(ip) ?? networkOf(socket.remoteAddress) ?? 'unknown'
}

/**
 * Returns an IPv4 address as it is, and the /64 of an IPv6 address, because a client that has one address of it has them all.
 *
 * Returns `undefined` if the text is not an address. Some proxies append a port.
 */
export function networkOf(text = ''): string | undefined {
  const bare = text.replace(/^\[([^\]]*)\](:\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1')
  const family = isIP(bare)
  if (family === 0) return undefined
  if (family === 4) return bare
  // Also turns an IPv4 address that is written as IPv6, `::ffff:192.0.2.1`, back into one.
  const address = ipaddr.process(bare)
  if (address instanceof ipaddr.IPv4) return address.toString()
  // RFC 6052: the client has an IPv4 address and came through a translator.
  if (address.range() === 'rfc6052') return ipaddr.fromByteArray(address.toByteArray().slice(12)).toString()
  const network = address.parts.slice(0, 4).map((part) => part.toString(16))
  return `${network.join(':')}::/64`
}
