import { subscribe } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** A request and its response, as they were on the wire. */
export interface Traffic {
  method: string
  url: string
  authorization: string
  requestBody: string
  status: number
  responseBody: string
  /** The headers and the body. */
  response: string
}

/** The most bytes of a request's body that are kept: enough for the secrets in it. */
const REQUEST_BODY_LIMIT = 65_536

const recorded = new WeakSet<ServerResponse>()

/** Passes a request and its response to `onComplete`, once, when the response has ended or the client has disconnected. */
export function recordTraffic(
  request: IncomingMessage,
  response: ServerResponse,
  onComplete: (traffic: Traffic) => void,
): void {
  // Swagger UI's own files have up to 1.4 MB, and no data of a user.
  if (recorded.has(response) || request.url?.startsWith('/docs/static/')) return
  recorded.add(response)
  const requestBody = new LimitedText(REQUEST_BODY_LIMIT)
  const responseBody = new LimitedText(Number.POSITIVE_INFINITY)

  const { emit } = request
  request.emit = (event: string, ...args: unknown[]) => {
    if (event === 'data') requestBody.add(args[0])
    return emit.call(request, event, ...args)
  }
  const { write, end } = response
  response.write = ((...args: Parameters<typeof write>) => {
    responseBody.add(args[0])
    return write.apply(response, args)
  }) as typeof write
  response.end = ((...args: Parameters<typeof end>) => {
    responseBody.add(args[0])
    complete()
    return end.apply(response, args)
  }) as typeof end
  response.once('close', () => complete())

  let isComplete = false
  function complete() {
    if (isComplete) return
    isComplete = true
    const { method = '', url = '', headers } = request
    onComplete({
      method,
      url,
      authorization: headers.authorization ?? '',
      requestBody: requestBody.text(),
      status: response.statusCode,
      responseBody: responseBody.text(),
      response: `${JSON.stringify(response.getHeaders())} ${responseBody.text()}`,
    })
  }
}

class LimitedText {
  readonly #limit: number
  readonly #chunks: Buffer[] = []
  #length = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  add(chunk: unknown): void {
    if (this.#length >= this.#limit) return
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
    const bytes = Buffer.from(chunk as string)
    this.#chunks.push(bytes)
    this.#length += bytes.length
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString()
  }
}

// A process that is started with this variable appends the traffic of its servers to that file, one line for each request.
const file = process.env.TRAFFIC_FILE
if (file) {
  subscribe('http.server.request.start', (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse }
    recordTraffic(request, response, (traffic) => appendFileSync(file, `${JSON.stringify(traffic)}\n`))
  })
}
