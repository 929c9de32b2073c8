import type { FastifyReply, FastifyRequest } from 'fastify'
import { DbSessionError, isOfReplica, isRetryable } from './errors.ts'
import type { Work } from './options.ts'
import type { Head } from './reply.ts'
import type { Run } from './run.ts'
import type { Sessions } from './sessions.ts'

/**
 * One request, its answer and the session between them. `open` until an answer is there; `deciding` while
 * it is stored or undone; `streaming` while the session of mode `'read'` lasts as long as its stream.
 */
export class Exchange {
  readonly #request: FastifyRequest
  readonly #reply: FastifyReply
  readonly #sessions: Sessions
  #run: Run | undefined
  #leavesReplica = false
  state: 'open' | 'deciding' | 'streaming' | 'finished' = 'open'
  /** A second answer came while the first was being decided on. */
  answeredTwice = false
  /** What the reply said before the handler ran. */
  head: Head | undefined
  /** The runs of the handler, once it has begun: whether there is another, because of what is said. */
  attempts: { retry(cause: unknown): boolean } | undefined

  constructor(request: FastifyRequest, reply: FastifyReply, sessions: Sessions) {
    this.#request = request
    this.#reply = reply
    this.#sessions = sessions
  }

  get run(): Run | undefined {
    return this.#run
  }

  open(work: Work): Run {
    if (this.#run) return this.#run
    const { method, routeOptions, log } = this.#request
    const run = this.#sessions.open(
      `${method} ${routeOptions.url}`,
      work,
      0,
      log,
      this.#request,
      !this.#leavesReplica,
    )
    this.#run = run
    // an answer is on its way, or its client is gone: too late for a session
    const late = this.state === 'deciding' || this.state === 'finished'
    if (late || this.#reply.raw.destroyed) run.rollback()
    else this.#reply.raw.once('close', () => this.#closed(run))
    return run
  }

  /** Whether the handler may run again because Postgres asked for it. */
  mayRetry(cause: unknown): boolean {
    return isRetryable(cause) && this.#isUntouched
  }

  /** Whether the handler may run again because the replica failed it, and the primary is there. */
  mayLeaveReplica(cause: unknown): boolean {
    return this.#run?.session.onReplica === true && isOfReplica(cause) && this.#isUntouched
  }

  /** Nothing is stored, sent or used up. */
  get #isUntouched(): boolean {
    const { raw, sent } = this.#reply
    const body = this.#request.body as { pipe?: unknown } | null | undefined
    return (
      this.state === 'open' &&
      !this.#run?.committedEarly &&
      !sent &&
      !raw.headersSent &&
      !raw.destroyed &&
      typeof body?.pipe !== 'function'
    )
  }

  /** Ends the run, so that another can begin; after one on the replica, on the primary. */
  async again(): Promise<void> {
    this.#leavesReplica ||= this.#run?.session.onReplica === true
    await this.#run?.rollback()
    this.#run = undefined
  }

  /** The response is over. Where nothing has decided by now, nobody will. */
  #closed(run: Run): void {
    const { state } = this
    if (this.#run !== run || state === 'deciding' || state === 'finished') return
    this.state = 'finished'
    const complete = this.#reply.raw.writableFinished
    if (complete && state === 'streaming') {
      this.#commitAfterStream(run)
      return
    }
    if (complete && run.session.open) {
      this.#request.log.error(
        'a hijacked reply ended before its session: what it did was undone, call `commit()` first',
      )
    }
    run.abort(
      new DbSessionError('DB_SESSION_ABORTED', 'The request ended before its session: nothing was stored'),
    )
  }

  async #commitAfterStream(run: Run): Promise<void> {
    await run.session.settled()
    await run.commit().catch((err) => {
      this.#request.log.error({ err }, 'the session of a stream could not be committed')
      return run.rollback()
    })
  }
}

export type ExchangeOf = (request: FastifyRequest) => Exchange | null
