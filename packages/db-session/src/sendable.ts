import { validateHeaderName, validateHeaderValue } from 'node:http'
import type { Head } from './reply.ts'

/**
 * Throws where Fastify or Node would do so while they write the head: by then the COMMIT would be made, and
 * the answer a 500 all the same.
 */
export function assertSendable({ headers }: Head, payload: unknown): void {
  for (const name in headers) {
    validateHeaderName(name)
    const values = headers[name]
    if (!Array.isArray(values)) validateHeaderValue(name, values as string)
    else for (const value of values) validateHeaderValue(name, value)
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
