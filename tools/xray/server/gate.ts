import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'

/** The path that all of X-ray is under. */
export const PREFIX = '/xray'

/** The constraint of X-ray's routes: to everybody else the router knows of no such path. */
export const LOCAL_ONLY = { local: 'yes' }

/** Teaches the router what is local. It asks of every request, so the path comes first. */
export function addGate(app: FastifyInstance): void {
  app.addConstraintStrategy({
    name: 'local',
    storage() {
      const handlers = new Map()
      return {
        get: (value) => handlers.get(value) ?? null,
        set: (value, handler) => void handlers.set(value, handler),
      }
    },
    validate: () => true,
    deriveConstraint: (request: IncomingMessage) =>
      request.url?.startsWith(PREFIX) && isLocal(request) ? 'yes' : undefined,
  })
}

/**
 * Whether a request comes from a program of this machine and, where that is a browser, from a page of this service.
 *
 * The address alone does not say so: a proxy's requests come from this machine, too, and so do those that a page of
 * somebody else makes in a browser here, whose name may even stand for this machine's address (DNS rebinding).
 */
export function isLocal({ socket, headers, rawHeaders }: IncomingMessage): boolean {
  return (
    isLoopback(socket.remoteAddress) &&
    hasOne(rawHeaders, 'host') &&
    isLoopbackHost(headers.host) &&
    (headers.origin === undefined || isLoopbackOrigin(headers.origin)) &&
    !isFromElsewhere(headers) &&
    !Object.keys(headers).some((name) => OF_PROXIES.test(name))
  )
}

const OF_PROXIES =
  /^(forwarded|x-forwarded|x-real-ip|x-client-ip|x-cluster-client-ip|x-original-|true-client-ip|cf-|via$)/

function isLoopback(address = ''): boolean {
  return address === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/i.test(address)
}

/** With any port, or none. */
function isLoopbackHost(host = ''): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host)
}

function isLoopbackOrigin(origin: string): boolean {
  const [, scheme = '', host] = /^(https?):\/\/(.+)$/i.exec(origin) ?? []
  return scheme !== '' && isLoopbackHost(host)
}

/** What a browser says of a request that a page makes, where it says so: one of another origin may lead here, and do no more. */
function isFromElsewhere(headers: IncomingHttpHeaders): boolean {
  const { 'sec-fetch-site': site = 'none', 'sec-fetch-mode': mode, 'sec-fetch-dest': dest } = headers
  const isFollowedLink = mode === 'navigate' && dest === 'document' && headers.origin === undefined
  return site !== 'none' && site !== 'same-origin' && !isFollowedLink
}

/** Node keeps the first of two and tells of no other. */
function hasOne(rawHeaders: readonly string[], name: string): boolean {
  return rawHeaders.filter((raw, index) => index % 2 === 0 && raw.toLowerCase() === name).length === 1
}
