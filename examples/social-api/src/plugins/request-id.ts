import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import fp from 'fastify-plugin'

/** What can stand in a header, a log line and a JSON string as it is. */
const SAFE = /^[A-Za-z0-9._-]{1,64}$/

/**
 * The id that a request has here, in the log and in a problem's `instance`: the proxy's, so that both logs can be laid side
 * by side, or a new one where that is missing or could forge a log line.
 */
export function requestId({ headers }: { headers: IncomingHttpHeaders }): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && SAFE.test(given) ? given : `req-${randomUUID()}`
}

/** Each answer says which request it is to. */
export default fp(async (app) => {
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    done()
  })
})
