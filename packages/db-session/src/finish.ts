import { once } from 'node:events'
import { Readable } from 'node:stream'
import { setImmediate as immediate } from 'node:timers/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { DbSessionError, translate } from './errors.ts'
import type { Exchange, ExchangeOf } from './exchange.ts'
import type { Work } from './options.ts'
import { type Head, readHead, resetReply, restoreHead } from './reply.ts'
import type { Run } from './run.ts'
import { assertSendable } from './sendable.ts'

type Done = (error?: Error) => void

/** The last of the `onSend` hooks: the payload is what it will be, the head is not sent. Stores, or undoes. */
export function finish(exchangeOf: ExchangeOf, work: Work) {
  return (request: FastifyRequest, reply: FastifyReply, payload: unknown, done: Done): void => {
    const exchange = exchangeOf(request)
    if (exchange === null || exchange.state === 'finished' || exchange.state === 'streaming') {
      done()
      return
    }
    // the handler goes on after a time-out has answered for it: the first answer stands
    if (exchange.state === 'deciding') {
      exchange.answeredTwice = true
      return
    }
    const { run } = exchange
    if (run === undefined) {
      exchange.state = work.mode === 'read' && isStream(payload) ? 'streaming' : 'finished'
      done()
      return
    }
    if (exchange.attempts?.retry(run.session.root.failed)) return
    exchange.state = 'deciding'
    const head = readHead(reply)
    decide(run, reply, head, payload).then(
      (lasts) => {
        exchange.state = lasts ? 'streaming' : 'finished'
        if (exchange.answeredTwice) restoreHead(reply, head)
        goOn(done)
      },
      (error) => failed(exchange, run, reply, payload, error, done),
    )
  }
}

/** Resolves with whether the session lasts as long as the stream that is the answer. */
async function decide(run: Run, reply: FastifyReply, head: Head, payload: unknown): Promise<boolean> {
  const { session, db } = run
  if (statusOf(reply, payload) >= 400) {
    if (session.busy) {
      await run.abort(
        new DbSessionError('DB_SESSION_ABORTED', 'An answer was sent before this statement: all was undone'),
      )
    } else await run.rollback()
    return false
  }
  assertSendable(head, payload)
  if (isStream(payload)) {
    if (db.mode === 'read' && !session.root.rollbackOnly) return true
    await opened(payload)
    // a stream of rows sends its statement a little later
    await immediate()
    if (session.streaming) {
      throw new DbSessionError(
        'DB_SESSION_STREAM_OPEN',
        "Rows cannot be streamed out of a session that may write: its COMMIT would come after the head. Say `mode: 'read'`",
      )
    }
  }
  await run.commit()
  return false
}

/** Rejects where a stream fails before the COMMIT, as a file does that cannot be opened. Later, Fastify listens. */
async function opened(payload: Stream): Promise<void> {
  if (!(payload instanceof Readable)) return
  payload.on('error', () => {})
  if ('pending' in payload && payload.pending === true) await once(payload, 'ready')
  if (payload.errored) throw payload.errored
}

function failed(
  exchange: Exchange,
  run: Run,
  reply: FastifyReply,
  payload: unknown,
  error: unknown,
  done: Done,
): void {
  exchange.state = 'open'
  if (exchange.attempts?.retry(error)) return
  exchange.state = 'finished'
  if (isStream(payload)) payload.destroy?.()
  const known = translate(error)
  const reason = known ?? new DbSessionError('DB_SESSION_ABORTED', 'The answer failed: all was undone', error)
  run.abort(reason).then(() => {
    // where the handler has not run, a hook has answered before it
    if (exchange.head) resetReply(reply, exchange.head)
    if (known) reply.code(known.statusCode)
    done(known ?? (error as Error))
  })
}

/** What Fastify throws while it writes the head goes where the error of a hook would. */
function goOn(done: Done): void {
  try {
    done()
  } catch (error) {
    done(error as Error)
  }
}

interface Stream {
  destroy?(): void
}

function isStream(payload: unknown): payload is Stream {
  if (payload === null || typeof payload !== 'object') return false
  return 'pipe' in payload || 'getReader' in payload || (payload instanceof Response && payload.body !== null)
}

/** A `Response` brings a status of its own. */
function statusOf(reply: FastifyReply, payload: unknown): number {
  return payload instanceof Response ? payload.status : reply.statusCode
}
