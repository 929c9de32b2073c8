import { once } from 'node:events'
import { validateHeaderName, validateHeaderValue } from 'node:http'
import { Readable } from 'node:stream'
import { setImmediate as immediate } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { DbSessionError, toDbSessionError } from './errors.ts'
import type { TransactionSpec } from './options.ts'
import { close } from './pg-wire.ts'
import { type GetRequestSession, type Head, readHead, restoreHead } from './request-session.ts'
import type { Session } from './session.ts'

type Done = (error?: Error) => void

// Creates the last hook before the head is sent. It commits if the response is good, and rolls back otherwise.
export function commitOnSend(getSession: GetRequestSession, spec: TransactionSpec) {
  return (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: Done): void => {
    const requestSession = getSession(request)
    if (requestSession?.phase !== 'open') return void done()
    const { session } = requestSession
    if (session === undefined) {
      requestSession.phase = spec.mode === 'read' && isStream(payload) ? 'streaming' : 'done'
      return void done()
    }
    if (requestSession.retry?.(session.root.failure)) return
    requestSession.phase = 'ending'
    const head = readHead(reply)
    const { send } = reply
    let hasSecondResponse = false
    // a handler may go on after a timeout has responded for it, and throw: the first response counts
    reply.send = (payload) => {
      hasSecondResponse = true
      const err = payload instanceof Error ? payload : undefined
      request.log.warn({ err }, 'a second response was dropped')
      return reply
    }
    const onEnd = (phase: 'done' | 'streaming'): void => {
      requestSession.phase = phase
      reply.send = send
      if (hasSecondResponse) restoreHead(reply, head)
      try {
        done()
      } catch (error) {
        // an error that Fastify throws while it writes the head becomes the error of a hook
        done(error as Error)
      }
    }
    const onError = async (error: unknown): Promise<void> => {
      requestSession.phase = 'open'
      if (requestSession.retry?.(error)) {
        reply.send = send
        return
      }
      requestSession.phase = 'done'
      if (isStream(payload)) payload.destroy?.()
      const known = toDbSessionError(error)
      await session.abort(known ?? new DbSessionError('DB_SESSION_ABORTED', error))
      reply.send = send
      // if there is none, a hook before the handler has responded
      if (requestSession.head) restoreHead(reply, requestSession.head)
      if (known) reply.code(known.statusCode)
      done(known ?? (error as Error))
    }
    endSession(session, reply, head, payload).then(onEnd, onError)
  }
}

/** Resolves with `streaming` if the session lasts as long as the response stream. */
async function endSession(session: Session, reply: FastifyReply, head: Head, payload: unknown) {
  // a `Response` has its own status
  const status = payload instanceof Response ? payload.status : reply.statusCode
  if (status >= 400) {
    await session.abort(new DbSessionError('DB_SESSION_OVER'))
    return 'done'
  }
  validateResponse(head, payload)
  // a row stream sends its statement a little later, and Fastify sends no rows for HEAD
  if (reply.request.method === 'HEAD') {
    await immediate()
    if (session.stream) close(session.stream)
  } else if (isStream(payload)) {
    if (session.context.spec.mode === 'read' && !session.root.isRollbackOnly) {
      // `pipe` passes no error on, so the payload would wait for more rows forever
      const destroy = (error: Error): void => void payload.destroy?.(error)
      setImmediate(() => (session.stream as Readable | undefined)?.once?.('error', destroy))
      return 'streaming'
    }
    await waitUntilOpened(payload)
    await immediate()
    if (session.stream) throw new DbSessionError('DB_SESSION_STREAM_OPEN')
  }
  await session.finish()
  return 'done'
}

/** Rejects if a stream fails before the COMMIT, such as a file that cannot be opened. Later, Fastify listens. */
async function waitUntilOpened(payload: unknown): Promise<void> {
  if (!(payload instanceof Readable)) return
  payload.on('error', () => {})
  if ('pending' in payload && payload.pending === true) await once(payload, 'ready')
  if (payload.errored) throw payload.errored
}

function isStream(payload: unknown): payload is { destroy?(error?: Error): void } {
  if (payload === null || typeof payload !== 'object') return false
  return 'pipe' in payload || 'getReader' in payload || (payload instanceof Response && payload.body !== null)
}

/** Throws the errors that Fastify or Node would throw while they write the head: after the COMMIT it is too late. */
function validateResponse({ headers }: Head, payload: unknown): void {
  for (const name in headers) {
    validateHeaderName(name)
    for (const value of [headers[name]].flat()) validateHeaderValue(name, value as string)
  }
  if (payload === null || typeof payload !== 'object' || Buffer.isBuffer(payload)) return
  const { bodyUsed, locked } = payload as Partial<Response & ReadableStream>
  if (bodyUsed || locked) throw new TypeError('Expected a payload that was not read before.')
  if (!isStream(payload) && !(payload instanceof Response))
    throw new TypeError('Expected the payload to be a string, a Buffer or a stream, got an object.')
}
