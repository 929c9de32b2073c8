import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { FastifyReply } from 'fastify'

/**
 * Throws where Fastify or Node would do so while they write the head: by then the COMMIT would be made, and
 * the answer a 500 all the same.
 */
export function assertSendable(reply: FastifyReply, payload: unknown): void {
  for (const [name, values] of Object.entries(reply.getHeaders())) {
    validateHeaderName(name)
    for (const value of [values].flat()) validateHeaderValue(name, value as string)
  }
  if (payload === null || typeof payload !== 'object') return
  if (payload instanceof Response) {
    if (payload.bodyUsed) throw new TypeError('The body of the Response that was to be sent is used up')
  } else if ('getReader' in payload) {
    if ('locked' in payload && payload.locked) throw new TypeError('The stream that was to be sent is locked')
  } else if (!('pipe' in payload) && !Buffer.isBuffer(payload)) {
    throw new TypeError('Expected the payload to be a string, a Buffer or a stream, got an object')
  }
}
