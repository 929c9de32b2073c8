import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import ipaddr from 'ipaddr.js'

/** Whom a request is counted for: its client's network, or where a proxy sent no address, the proxy's own. */
export function networkOfRequest({ ip, socket }: FastifyRequest): string {
  return networkOf(ip) ?? networkOf(socket.remoteAddress) ?? 'unknown'
}

/**
 * An IPv4 address by itself; of an IPv6 address the network of 64 bits, for whoever has one address of it has them all.
 *
 * `undefined` where it is no address. Some proxies write a port behind it.
 */
export function networkOf(text = ''): string | undefined {
  const bare = text.replace(/^\[([^\]]*)\](:\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1')
  const family = isIP(bare)
  if (family === 0) return undefined
  if (family === 4) return bare
  // It also makes an IPv4 address of one that is written as IPv6, `::ffff:192.0.2.1`.
  const address = ipaddr.process(bare)
  if (address instanceof ipaddr.IPv4) return address.toString()
  // RFC 6052: the IPv4 address of a client that came through a translator.
  if (address.range() === 'rfc6052') return ipaddr.fromByteArray(address.toByteArray().slice(12)).toString()
  const network = address.parts.slice(0, 4).map((part) => part.toString(16))
  return `${network.join(':')}::/64`
}
