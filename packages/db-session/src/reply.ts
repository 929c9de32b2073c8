import type { FastifyReply } from 'fastify'

/** What a reply says apart from its payload. */
export interface Head {
  readonly statusCode: number
  readonly headers: ReturnType<FastifyReply['getHeaders']>
}

export function readHead(reply: FastifyReply): Head {
  return { statusCode: reply.raw.statusCode, headers: reply.getHeaders() }
}

/** Gives a reply the head that it had: no `Location` and no `Set-Cookie` of an answer that was not true is left. */
export function restoreHead(reply: FastifyReply, { statusCode, headers }: Head): void {
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name)
  reply.headers(headers)
  reply.raw.statusCode = statusCode
}

/** Makes a reply as if its handler had not run, for a second run of it or for an error. */
export function resetReply(reply: FastifyReply, head: Head): void {
  restoreHead(reply, head)
  // Private: its types know no way to take a serializer back. private-parts.test.ts fails when that changes
  reply.serializer(null as never)
  for (const name of trailersOf(reply)) reply.removeTrailer(name)
  // Private: Fastify does not forget that a status was set, without which `redirect(url)` is no 302.
  // private-parts.test.ts fails when that changes
  reply.redirect = function (this: FastifyReply, url: string, code?: number) {
    const chosen = code ?? (this.raw.statusCode === head.statusCode ? 302 : this.raw.statusCode)
    return this.header('location', url).code(chosen).send()
  }
}

/**
 * Private: Fastify keeps trailers under a symbol of its own, and lists them nowhere. private-parts.test.ts fails when
 * that changes.
 */
function trailersOf(reply: FastifyReply): string[] {
  const symbol = Object.getOwnPropertySymbols(reply).find((s) => s.description === 'fastify.reply.trailers')
  return Object.keys((symbol && (reply as never)[symbol]) ?? {})
}
