/**
 * Protects the service from invalid HTTP: a request that arrives too slowly, headers that are too large, a broken target, a
 * missing `Host`, a method that the path does not have.
 *
 * Node and Fastify's router reject these before any hook runs, and not with problem documents. The contract requires problem
 * documents, and no plugin sends them, so this file does.
 */
import { type IncomingMessage, METHODS, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { ConnectionError, FastifyInstance, FastifyRequest } from 'fastify'
import findMyWay, { type HTTPMethod } from 'find-my-way'
import { Problem, type ProblemCode } from '../src/problem.ts'

const KiB = 1024

/** Fastify's options that limit one connection. A slow or idle client is disconnected; until then it costs one socket. */
export const SERVER_LIMITS = Object.freeze({
  // The largest login: 2 × 1,024 characters, each up to 12 bytes as `\ud83d\ude00` or `%F0%9F%98%80`, and the names.
  bodyLimit: 32 * KiB,
  requestTimeout: 20_000,
  connectionTimeout: 60_000,
  // Longer than nginx keeps an unused connection, so that Node does not close one while nginx sends a request on it.
  keepAliveTimeout: 72_000,
  // While the service stops, open connections are still served, with `Connection: close`.
  return503OnClosing: false,
  http: Object.freeze({
    maxHeaderSize: 16 * KiB,
    headersTimeout: 10_000,
    connectionsCheckingInterval: 1_000,
    // `registerHttp` checks it, and sends a problem document.
    requireHostHeader: false,
  }),
})

/** The largest post: 300 and 20,000 characters of up to 12 bytes (`\ud83d\ude00`) are 243,600 bytes, and the names. */
export const POST_BODY_LIMIT = 256 * KiB

/** The longest part of a path. Fastify's own limit rejects before any hook runs, so it is set out of reach. */
const MAX_SEGMENT_LENGTH = 100
export const ROUTER_OPTIONS = { ignoreTrailingSlash: true, maxParamLength: 16 * KiB }

/** Parsing these takes time that grows with the square of their length. Browsers send a quarter of this. */
const MAX_NEGOTIATION_LENGTH = KiB
const NEGOTIATION_HEADERS = ['accept', 'accept-charset', 'accept-encoding', 'accept-language'] as const

/** Limits on reading the rest of a body that is too large, so that its sender can read the 413. */
const MAX_DRAIN_MS = 5_000
const MAX_DRAIN_BYTES = 8 * 1024 * KiB

const brokenTargets = new WeakMap<IncomingMessage, Problem>()

/**
 * Fastify's `rewriteUrl`. A target that the router would reject is replaced by one that no route has: the request then runs
 * through all hooks, is counted and logged like any other, and gets its problem document from `registerHttp`'s hook.
 */
export function replaceBrokenTarget(request: IncomingMessage): string {
  const { url = '/' } = request
  const [path = ''] = url.split('?', 1)
  const problem = findTargetProblem(path, request.method)
  if (problem === undefined) return url
  brokenTargets.set(request, problem)
  return '/broken-target'
}

function findTargetProblem(path: string, method = 'GET'): Problem | undefined {
  if (path === '*' && method !== 'OPTIONS')
    return new Problem('MALFORMED_REQUEST', 'Only OPTIONS may have the target `*`.')
  if (path.split('/').some((segment) => segment.length > MAX_SEGMENT_LENGTH))
    return new Problem('URI_TOO_LONG')
  if (isPercentEncoded(path)) return undefined
  return new Problem('MALFORMED_REQUEST', 'The path is not percent-encoded UTF-8: `%` itself is `%25`.')
}

export function isPercentEncoded(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

export function registerHttp(app: FastifyInstance): void {
  app.addHook('onRequest', ({ raw, headers }, _reply, done) => {
    for (const name of NEGOTIATION_HEADERS) {
      if ((headers[name]?.length ?? 0) > MAX_NEGOTIATION_LENGTH) delete headers[name]
    }
    done(brokenTargets.get(raw) ?? findHostProblem(raw))
  })
  app.addHook('onSend', ({ raw }, { statusCode }, _payload, done) => {
    if (statusCode === 413) drain(raw).then(() => done())
    else done()
  })
  // RFC 9110, section 10.1.1: a server may ignore an expectation other than `100-continue`.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  app.server.on('connect', (_request, socket) =>
    sendOnSocket(socket, new Problem('MALFORMED_REQUEST', 'This server is not a proxy.')),
  )
  rejectOtherMethods(app)
}

/** RFC 9112, section 3.2, allows one `Host`, with only the characters of a host and a port. */
function findHostProblem({ httpVersion, headers, rawHeaders }: IncomingMessage): Problem | undefined {
  const { host } = headers
  if (host === undefined)
    return httpVersion === '1.0' ? undefined : new Problem('MALFORMED_REQUEST', 'The Host header is missing.')
  const count = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length
  if (count > 1) return new Problem('MALFORMED_REQUEST', 'There is more than one Host header.')
  if (/^[\w.~!$&'()*+,;=%[\]:-]*$/.test(host)) return undefined
  return new Problem('MALFORMED_REQUEST', 'The Host header is invalid.')
}

/**
 * Reads and drops the rest of a body. If the server closed the connection while the client still sends, the client's system
 * would drop the response.
 */
async function drain(request: IncomingMessage): Promise<void> {
  if (request.complete || request.destroyed) return
  const sizeLimit = new AbortController()
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MAX_DRAIN_BYTES) sizeLimit.abort()
  })
  const signal = AbortSignal.any([sizeLimit.signal, AbortSignal.timeout(MAX_DRAIN_MS)])
  await finished(request, { signal }).catch(() => {})
}

/** A wrong method on a known path is a 405 that lists the right ones in `Allow`. An unknown path is a 404. */
function rejectOtherMethods(app: FastifyInstance): void {
  // Fastify's own router cannot list the methods of a path. (Its type of a method, and Node's, are any string.)
  const router = findMyWay(ROUTER_OPTIONS)
  app.addHook('onRoute', ({ url, method, constraints }) => {
    // A route with a constraint is hidden from requests that do not meet it.
    if (url !== '*' && !constraints) router.on([method].flat() as HTTPMethod[], url, () => {})
  })

  const reject = (request: FastifyRequest): never => {
    const [path = '/'] = request.url.split('?', 1)
    const methods = (METHODS as HTTPMethod[]).filter((method) => router.find(method, path) !== null)
    if (methods.length === 0) throw new Problem('NOT_FOUND', `There is no route ${request.method} ${path}.`)
    const allow = methods.sort().join(', ')
    throw new Problem('METHOD_NOT_ALLOWED', `${request.method} is not allowed. Allowed: ${allow}.`, {
      headers: { allow },
    })
  }
  app.setNotFoundHandler(reject)
  // Before the body is read, so that a broken body cannot hide the 404.
  app.addHook('onRequest', (request, _reply, done) => {
    if (request.is404) reject(request)
    done()
  })
}

/** Handles Node's `clientError`: bytes that its parser rejects, or that do not arrive in time. They are not a request yet. */
export function sendClientError(error: ConnectionError, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  sendOnSocket(socket, new Problem(findClientErrorCode(error)))
}

function findClientErrorCode({ code, rawPacket }: ConnectionError): ProblemCode {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 'REQUEST_TIMEOUT'
  if (code !== 'HPE_HEADER_OVERFLOW') return 'MALFORMED_REQUEST'
  // The parser has one limit for the target and the headers. The target is the cause if its line has not ended.
  // (Fastify's type of `rawPacket` is a Buffer's JSON.)
  const packet = rawPacket as unknown as Buffer
  const start = packet.toString('latin1', 0, SERVER_LIMITS.http.maxHeaderSize)
  return /^[A-Z-]+ [^\r\n]*$/.test(start) ? 'URI_TOO_LONG' : 'HEADERS_TOO_LARGE'
}

function sendOnSocket(socket: Duplex, problem: Problem): void {
  const body = JSON.stringify(problem.toDocument('none'))
  socket.end(
    `HTTP/1.1 ${problem.statusCode} ${STATUS_CODES[problem.statusCode]}\r\n` +
      `Content-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  )
  // Otherwise a client that never closes could keep the socket half-open forever.
  setTimeout(() => socket.destroy(), 1_000).unref()
}
