import { Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'

/** The service's own deadline for a response. */
const RESPONSE_DEADLINE_MS = 30_000

/** How long to wait for a response: the service's deadline and a margin. */
export const RESPONSE_TIMEOUT_MS = RESPONSE_DEADLINE_MS + 5_000

export interface Sent {
  readonly method: string
  /** With its query. Sent byte for byte: `fetch` would normalize some of it. */
  readonly path: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: string | undefined
  /** The head announces the body, which is not sent. */
  readonly keepBody?: boolean
}

export interface HttpResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The content type without its parameters; empty if there is none. */
  readonly mediaType: string
  readonly text: string
}

/**
 * Why a request got no response. `refused`: nothing listened, so the request had no effect. `lost`: the connection ended
 * before the response. `cut`: it ended during the response. `late`: there was no response in time.
 */
export type Failure = 'refused' | 'lost' | 'cut' | 'late'

export class NoResponse extends Error {
  override readonly name = 'NoResponse'
  readonly how: Failure

  constructor(how: Failure, cause?: unknown) {
    super(`no response: ${how}`, { cause })
    this.how = how
  }
}

/** One client's connections to a service. `timeoutMs` covers the whole response. */
export class Client {
  readonly #url: URL
  readonly #timeoutMs: number
  readonly #agent = new Agent({ keepAlive: true })

  constructor(url: string, timeoutMs: number) {
    this.#url = new URL(url)
    this.#timeoutMs = timeoutMs
  }

  /** Rejects only with `NoResponse`. */
  send({ method, path, headers, body, keepBody = false }: Sent): Promise<HttpResponse> {
    const { hostname, port } = this.#url
    return new Promise((resolve, reject) => {
      const length = body !== undefined && { 'content-length': Buffer.byteLength(body) }
      const outgoing = request({
        hostname,
        port,
        agent: this.#agent,
        method,
        path,
        headers: { ...headers, ...length },
      })
      const timer = setTimeout(() => outgoing.destroy(new NoResponse('late')), this.#timeoutMs)
      let how: Failure = 'lost'
      const fail = (error: Error): void => {
        const isRefused = 'code' in error && error.code === 'ECONNREFUSED'
        reject(error instanceof NoResponse ? error : new NoResponse(isRefused ? 'refused' : how, error))
      }
      outgoing.on('error', fail)
      outgoing.on('close', () => clearTimeout(timer))
      outgoing.on('response', async (incoming) => {
        how = 'cut'
        try {
          let text = ''
          for await (const chunk of incoming.setEncoding('utf8')) text += chunk
          const [mediaType = ''] = (incoming.headers['content-type'] ?? '').split(';')
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, mediaType, text })
          if (keepBody) outgoing.destroy()
        } catch (error) {
          fail(error as Error)
        }
      })
      if (keepBody) outgoing.flushHeaders()
      else outgoing.end(body)
    })
  }

  /** Sends the head and `part` of the body, and disconnects. */
  abort({ method, path, headers, body = '' }: Sent, part: string): Promise<void> {
    const { hostname, port } = this.#url
    return new Promise((resolve) => {
      const length = { 'content-length': Buffer.byteLength(body) }
      const outgoing = request({
        hostname,
        port,
        agent: false,
        method,
        path,
        headers: { ...headers, ...length },
      })
      // The service may respond before it notices.
      outgoing.on('response', (incoming) => incoming.resume())
      outgoing.on('error', () => {})
      outgoing.on('close', resolve)
      outgoing.write(part, () => outgoing.destroy())
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
