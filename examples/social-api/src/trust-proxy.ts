import { isIP } from 'node:net'

/** How many proxies stand in front of the service, or what addresses they have. */
export type TrustProxy = number | readonly string[]

/** Reads TRUST_PROXY; `undefined` where it is wrong. That everybody is trusted cannot be said. */
export function parseTrustProxy(text: string): TrustProxy | undefined {
  if (/^\d+$/.test(text)) {
    const hops = Number(text)
    return hops >= 1 && hops <= 16 ? hops : undefined
  }
  const proxies = text.split(',').map((one) => one.trim())
  return proxies.every((one) => one === 'loopback' || isAddressOrRange(one)) ? proxies : undefined
}

function isAddressOrRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || address.includes('%') || rest.length > 0) return false
  if (bits === undefined) return true
  return /^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= (family === 4 ? 32 : 128)
}

/**
 * What Fastify is told. Of a number it trusts nobody, as it cannot see whether a connection comes from a proxy: whoever
 * gives one sees to it that clients have no other way to the service.
 */
export function trustOf(trustProxy: TrustProxy | undefined): Trust {
  if (trustProxy === undefined) return false
  if (typeof trustProxy === 'number') return (_address, hop) => hop < trustProxy
  return [...trustProxy]
}

type Trust = false | string[] | ((address: string, hop: number) => boolean)
