import type { FastifyReply } from 'fastify'

/**
 * Aborted once there is nobody to answer any more: the client has hung up, or was told that it takes too long.
 *
 * Not `request.signal`, which Fastify 5.12 aborts as soon as a body has been read.
 */
export function hangUpOf({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController()
  if (raw.writableEnded || raw.destroyed) gone.abort()
  else raw.once('close', () => gone.abort())
  return gone.signal
}
