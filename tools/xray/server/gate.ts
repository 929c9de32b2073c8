import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** The path that all of X-ray is under. */
export const PREFIX = '/xray'

/** The constraint of X-ray's routes: for every other request the router has no such path. */
export const WITH_KEY = { xray: 'yes' }

/** Adds the constraint. The router evaluates it for every request, so the path is checked first. */
export function addGate(app: FastifyInstance, key: string): void {
  app.addConstraintStrategy({
    name: 'xray',
    storage() {
      const handlers = new Map()
      return {
        get: (value) => handlers.get(value) ?? null,
        set: (value, handler) => void handlers.set(value, handler),
      }
    },
    validate: () => true,
    deriveConstraint: (request: IncomingMessage) =>
      request.url?.startsWith(PREFIX) && isLocal(request) && hasKey(request, key) ? 'yes' : undefined,
  })
}

/**
 * Returns true for a request of a program on this machine or, if that is a browser, of a page of this service.
 *
 * The peer's address does not prove that: requests through a proxy come from this machine too, and so do requests from
 * another site's page in a browser here. The name of that site may even resolve to a loopback address (DNS rebinding).
 * Headers do not prove that there is no proxy, because some proxies add none. That is why the key is required as well.
 */
export function isLocal({ socket, method = '', httpVersion, headers, rawHeaders }: IncomingMessage): boolean {
  const { host = '', origin } = headers
  return (
    isLoopback(socket.remoteAddress) &&
    // Older proxies, and nginx's default, speak HTTP/1.0. No browser does.
    httpVersion === '1.1' &&
    hasOneHost(rawHeaders) &&
    isLoopbackHost(host) &&
    // Browsers send the origin with everything that is not a GET or a HEAD.
    (origin === undefined ? isSafe(method) : origin.toLowerCase() === `http://${host}`.toLowerCase()) &&
    !isFromAnotherSite(method, headers) &&
    !Object.keys(headers).some((name) => PROXY_HEADER.test(name))
  )
}

/** Returns true if a request has the key: in its cookie, or in the query of the page's own URL. */
export function hasKey({ socket, method = '', url = '', headers }: IncomingMessage, key: string): boolean {
  const [path, query] = url.split('?', 2)
  const isPage = isSafe(method) && (path === PREFIX || path === `${PREFIX}/`)
  if (isPage && isEqual(new URLSearchParams(query).get('key') ?? '', key)) return true
  const prefix = `${getCookieName(socket)}=`
  return (headers.cookie ?? '')
    .split(/; */)
    .some((pair) => pair.startsWith(prefix) && isEqual(pair.slice(prefix.length), key))
}

/** Returns the `Set-Cookie` that authorizes the page's own requests. No script can read it, and no other site can use it. */
export function createKeyCookie(socket: Socket, key: string): string {
  return `${getCookieName(socket)}=${key}; Path=${PREFIX}; Max-Age=${COOKIE_TTL_S}; HttpOnly; SameSite=Strict`
}

const COOKIE_TTL_S = 30 * 24 * 60 * 60

/** Browsers send cookies to every port of a host, so two services on one machine must not share a name. */
function getCookieName({ localPort }: Socket): string {
  return `xray-${localPort}`
}

/** Compares digests, which have one length, in constant time. */
function isEqual(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}

const PROXY_HEADER =
  /^(forwarded|x-forwarded|x-real-ip|x-client-ip|x-cluster-client-ip|x-original-|true-client-ip|cf-|via$)/

function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

function isLoopback(address = ''): boolean {
  return address === '::1' || /^(::ffff:)?127(\.\d{1,3}){3}$/i.test(address)
}

/** Returns true for a loopback host name or address, with or without a port. */
function isLoopbackHost(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i.test(host)
}

/** Checks the page that a browser's request comes from. Another site's page may only link to this one. */
function isFromAnotherSite(method: string, headers: IncomingHttpHeaders): boolean {
  const { 'sec-fetch-site': site = 'none', 'sec-fetch-mode': mode, 'sec-fetch-dest': dest } = headers
  const isFollowedLink = isSafe(method) && mode === 'navigate' && dest === 'document' && !headers.origin
  return site !== 'none' && site !== 'same-origin' && !isFollowedLink
}

/** Returns true if there is one `Host` header. Node keeps the first of two, and silently drops the other. */
function hasOneHost(rawHeaders: readonly string[]): boolean {
  return rawHeaders.filter((raw, index) => index % 2 === 0 && raw.toLowerCase() === 'host').length === 1
}
