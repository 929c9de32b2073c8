// Sends one request, and waits for its response within bounds: no server can make the grader hang or fill its memory.
import http from 'node:http'
import https from 'node:https'

/** How long a response may take from the first byte sent to the last one received: a slow password hash fits in it. */
const DEFAULT_TIMEOUT_MS = 10_000
/** A server that ignores `limit` lists all posts of many runs. */
const MAX_RESPONSE_BYTES = 16 * 1_048_576
/** Responses with a status from 100 to 199, which come before the real one. */
const MAX_INTERIM_RESPONSES = 10

export interface Sent {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  /** Which credentials the request carries, in a few words. */
  readonly credentials?: string
}

export interface Received {
  readonly sent: Sent
  readonly status: number
  /** Header names are in lower case. */
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
  /** The parsed body; undefined if it is not JSON. */
  readonly json: unknown
}

export interface SendOptions {
  /** @default 10000 */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** No usable response came. The message says what came instead. */
export class NoResponse extends Error {
  override readonly name = 'NoResponse'
  readonly sent: Sent
  /** The server closed the connection. */
  readonly isClosed: boolean

  constructor(sent: Sent, message: string, isClosed = false) {
    super(message)
    this.sent = sent
    this.isClosed = isClosed
  }
}

/** Sends a request. Follows a redirect only to the same path with or without its trailing slash. */
export async function send(base: URL, sent: Sent, options: SendOptions = {}): Promise<Received> {
  const received = await sendOnce(base, sent, options)
  const moved =
    [307, 308].includes(received.status) && findSlashRedirect(base, sent.path, received.headers.location)
  return moved ? sendOnce(base, { ...sent, path: moved }, options) : received
}

/** Returns the path to go on with, if `location` is the same path except for the trailing slash. */
function findSlashRedirect(base: URL, path: string, location: string | undefined): string | undefined {
  if (location === undefined || !URL.canParse(location, base.href)) return undefined
  const from = new URL(path, base)
  const to = new URL(location, from)
  const withoutSlash = ({ pathname }: URL) => pathname.replace(/\/$/, '')
  const isSame = to.host === from.host && withoutSlash(to) === withoutSlash(from) && to.search === from.search
  return isSame && to.pathname !== from.pathname ? to.pathname + to.search : undefined
}

function sendOnce(
  base: URL,
  sent: Sent,
  { timeoutMs = DEFAULT_TIMEOUT_MS, signal }: SendOptions,
): Promise<Received> {
  return new Promise((resolve, reject) => {
    const fail = (message: string, isClosed = false) => reject(new NoResponse(sent, message, isClosed))
    const { protocol, hostname, port } = base
    const request = (protocol === 'https:' ? https : http).request({
      protocol,
      hostname: hostname.replace(/^\[|\]$/g, ''),
      port,
      method: sent.method,
      path: sent.path,
      headers:
        sent.body === undefined
          ? sent.headers
          : { ...sent.headers, 'content-length': Buffer.byteLength(sent.body) },
      agent: false,
      signal,
    })
    let received = 0
    let hasHead = false
    const timer = setTimeout(() => {
      fail(
        hasHead
          ? `The response did not end within ${timeoutMs / 1_000} seconds. Only ${received} bytes of its body arrived.`
          : `No response arrived within ${timeoutMs / 1_000} seconds.`,
      )
      request.destroy()
    }, timeoutMs)
    // a socket may report several errors, also while a response arrives before the body of the request has left
    request.on('error', (error: NodeJS.ErrnoException) => {
      if (!hasHead) fail(describeError(error, base), isClosing(error))
    })
    request.once('close', () => clearTimeout(timer))
    let interim = 0
    request.on('information', () => {
      interim += 1
      if (interim <= MAX_INTERIM_RESPONSES) return
      fail(`The server sent more than ${MAX_INTERIM_RESPONSES} responses with a status from 100 to 199.`)
      request.destroy()
    })
    request.once('upgrade', (_response, socket) => {
      fail('The server switched to another protocol.')
      socket.destroy()
    })
    request.once('response', (response) => {
      hasHead = true
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        received += chunk.length
        if (received <= MAX_RESPONSE_BYTES) return
        fail(`The response is larger than ${MAX_RESPONSE_BYTES / 1_048_576} MiB.`)
        request.destroy()
      })
      response.on('error', () => fail('The server closed the connection before its response was complete.'))
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString()
        const { statusCode = 0, headers } = response
        resolve({ sent, status: statusCode, headers, text, json: parseJson(text) })
      })
    })
    request.end(sent.body)
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Returns true for what a write or a read reports once the server has closed the connection. */
function isClosing({ code }: NodeJS.ErrnoException): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE'
}

function describeError(error: NodeJS.ErrnoException, base: URL): string {
  const { code, message } = error
  if (code === 'ECONNREFUSED') return `Nothing is listening on ${base.host}. Is the server running?`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `The host ${base.hostname} was not found.`
  if (isClosing(error)) return 'The server closed the connection without sending a complete response.'
  if (code === 'HPE_HEADER_OVERFLOW') return 'The headers of the response are larger than 16 KiB.'
  if (code?.startsWith('HPE_')) return 'The server sent something that is not an HTTP response.'
  return `The request failed: ${code ?? message}.`
}
