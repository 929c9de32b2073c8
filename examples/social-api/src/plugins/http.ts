import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import fp from 'fastify-plugin'
import { Problem } from '../problem.ts'

/** What Node would refuse without a word, or with words of its own, gets a problem document too. */
export default fp(async (app) => {
  // Told to leave it to us by `requireHostHeader: false`.
  app.addHook('onRequest', ({ raw, headers }, _reply, done) => {
    const isMissing = headers.host === undefined && raw.httpVersion !== '1.0'
    done(isMissing ? new Problem('MALFORMED_REQUEST', 'The Host header is missing.') : undefined)
  })
  // RFC 9110, section 10.1.1: what is expected beside `100-continue` may be passed over.
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  app.server.on('connect', (_request, socket) =>
    answerOnSocket(socket, new Problem('MALFORMED_REQUEST', 'This is no proxy.')),
  )
})

/** Node's `clientError`: what its parser refuses is no request yet. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  answerOnSocket(socket, toProblem(error))
}

function toProblem({ code }: NodeJS.ErrnoException): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new Problem('REQUEST_TIMEOUT', 'The request did not come in the time that it has.')
  if (code === 'HPE_HEADER_OVERFLOW')
    return new Problem('URI_TOO_LONG', 'The request line and its headers are longer than is read.')
  return new Problem('MALFORMED_REQUEST', 'This is not HTTP as RFC 9112 has it.')
}

function answerOnSocket(socket: Duplex, problem: Problem): void {
  const body = JSON.stringify(problem.toDocument('none'))
  socket.end(
    `HTTP/1.1 ${problem.statusCode} ${STATUS_CODES[problem.statusCode]}\r\n` +
      `Content-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `Connection: close\r\n\r\n${body}`,
  )
  // Who does not hang up now would keep a half-open socket for as long as he likes.
  setTimeout(() => socket.destroy(), 1_000).unref()
}
