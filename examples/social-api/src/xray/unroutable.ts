import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { routed } from './channels.ts'
import type { Trace } from './trace.ts'

/** Requests whose path cannot even be read are answered before any hook: of them Node tells. */
export class Unroutable {
  readonly #onFinish: (message: unknown) => void

  constructor({ server }: FastifyInstance, onAnswered: (seen: Seen) => void) {
    this.#onFinish = (message) => {
      const { request, response, server: from } = message as Finished
      if (from !== server || routed.has(request)) return
      const { method = 'GET' } = request
      const requestId = String(response.getHeader('x-request-id'))
      onAnswered({ requestId, method, path: '…', status: response.statusCode })
    }
  }

  start(): void {
    subscribe('http.server.response.finish', this.#onFinish)
  }

  stop(): void {
    unsubscribe('http.server.response.finish', this.#onFinish)
  }
}

type Seen = Pick<Trace, 'requestId' | 'method' | 'path'> & { readonly status: number }

interface Finished {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly server: Server
}
