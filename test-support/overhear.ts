import { subscribe } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** A request and its answer, as they were on the wire. */
export interface Exchange {
  method: string
  url: string
  authorization: string
  sent: string
  /** The head and the body. */
  answered: string
  status: number
  body: string
}

/** Enough of a body for what is secret in it. */
const ENOUGH = 65_536

const overheard = new WeakSet<ServerResponse>()

/** Listens to a request and its answer, and to neither twice. */
export function overhear(
  request: IncomingMessage,
  response: ServerResponse,
  tell: (exchange: Exchange) => void,
): void {
  // Swagger UI's own files, 1.4 MB the largest: there is nothing of anybody in them.
  if (overheard.has(response) || request.url?.startsWith('/docs/static/')) return
  overheard.add(response)
  const [sent, answered] = [new Kept(ENOUGH), new Kept(Number.POSITIVE_INFINITY)]

  const { emit } = request
  request.emit = (event: string, ...args: unknown[]) => {
    if (event === 'data') sent.add(args[0])
    return emit.call(request, event, ...args)
  }
  const { write, end } = response
  response.write = ((...args: Parameters<typeof write>) => {
    answered.add(args[0])
    return write.apply(response, args)
  }) as typeof write
  response.end = ((...args: Parameters<typeof end>) => {
    answered.add(args[0])
    tellOnce()
    return end.apply(response, args)
  }) as typeof end
  // Of who hangs up, what they have sent is known too.
  response.once('close', () => tellOnce())

  let isTold = false
  function tellOnce() {
    if (isTold) return
    isTold = true
    const { method = '', url = '', headers } = request
    tell({
      ...{ method, url, authorization: headers.authorization ?? '', sent: sent.text() },
      ...{ status: response.statusCode, body: answered.text() },
      answered: `${JSON.stringify(response.getHeaders())} ${answered.text()}`,
    })
  }
}

class Kept {
  readonly #most: number
  readonly #chunks: Buffer[] = []
  #length = 0

  constructor(most: number) {
    this.#most = most
  }

  add(chunk: unknown): void {
    if (this.#length >= this.#most) return
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
    const bytes = Buffer.from(chunk as string)
    this.#chunks.push(bytes)
    this.#length += bytes.length
  }

  text(): string {
    return Buffer.concat(this.#chunks).toString()
  }
}

/** A process that is told of a file writes there what its servers hear and answer: one line each, at once. */
const file = process.env.OVERHEARD
if (file) {
  subscribe('http.server.request.start', (message) => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse }
    overhear(request, response, (exchange) => appendFileSync(file, `${JSON.stringify(exchange)}\n`))
  })
}
