import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify'
import { LEVELS } from './connection-pool.ts'
import { DbSessionError, isConflict } from './errors.ts'
import type { BeginStatements, TransactionSpec } from './options.ts'
import type { Session } from './session.ts'
import type { OpenSession, SessionManager } from './session-manager.ts'
import { over } from './session-state.ts'
import type { DbSession } from './types.ts'

/** How many databases a request has used. A handler that used two cannot run again: one may have committed. */
export const kOpenSessions = Symbol('db-session.open-sessions')

/** The status and the headers of a reply. */
export interface Head {
  readonly statusCode: number
  readonly headers: ReturnType<FastifyReply['getHeaders']>
}

export function readHead(reply: FastifyReply): Head {
  return { statusCode: reply.raw.statusCode, headers: reply.getHeaders() }
}

/** Gives a reply an earlier head again: no `Location` and no `Set-Cookie` of a response that failed is left. */
export function restoreHead(reply: FastifyReply, { statusCode, headers }: Head): void {
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name)
  reply.headers(headers)
  reply.raw.statusCode = statusCode
}

/** Connects one request and its response with a session. */
export class RequestSession {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly manager: SessionManager
  /** `answering` while the session commits or rolls back; `streaming` while it lasts as long as a response stream. */
  phase: 'open' | 'answering' | 'streaming' | 'done' = 'open'
  /** A second response came while the first one was committed. */
  hasSecondResponse = false
  /** The head of the reply before the handler ran. */
  head: Head | undefined
  /** Nothing used the session before the handler, so it may run again. */
  isUntouched = false
  /** Runs the handler again if the error is a conflict and that is possible. */
  retry: (cause: unknown) => boolean = () => false
  readonly #begin: ((request: FastifyRequest) => BeginStatements) | undefined
  #current: OpenSession | undefined
  #isListening = false

  constructor(
    request: FastifyRequest,
    reply: FastifyReply,
    manager: SessionManager,
    begin: ((request: FastifyRequest) => BeginStatements) | undefined,
  ) {
    this.request = request
    this.reply = reply
    this.manager = manager
    this.#begin = begin
  }

  get session(): Session | undefined {
    return this.#current?.session
  }

  /** Returns the session, which is opened by the first call. */
  open(spec: TransactionSpec): DbSession {
    this.#current ??= this.#open(spec)
    return this.#current.db
  }

  /** Called when all hooks before the handler have run. */
  beforeHandler(): void {
    this.head = readHead(this.reply)
    this.isUntouched = this.#current === undefined
  }

  /** Rolls the session back, so the handler can run again with another one. */
  async reset(): Promise<void> {
    await this.session?.abort(over())
    if (this.#current) this.#count(-1)
    this.#current = undefined
    if (this.head) restoreHead(this.reply, this.head)
  }

  /** Returns true if the handler may run again after this error: nothing is committed, sent or used up. */
  mayRetry(cause: unknown): boolean {
    const { raw, sent, statusCode } = this.reply
    return (
      isConflict(cause) &&
      this.isUntouched &&
      this.phase === 'open' &&
      this.session?.hasCommittedEarly !== true &&
      (this.request as never as { [kOpenSessions]: number })[kOpenSessions] <= 1 &&
      !sent &&
      !raw.headersSent &&
      !raw.destroyed &&
      // Fastify has no way to unset a status, which `redirect(url)` would then use
      (statusCode < 300 || statusCode > 399) &&
      hasReadableBody(this.request)
    )
  }

  #open(spec: TransactionSpec): OpenSession {
    const { request, reply } = this
    const begin = this.#begin
    const opened = this.manager.open({
      owner: `${request.method} ${request.routeOptions.url}`,
      spec,
      level: LEVELS.request,
      log: request.log,
      begin: begin ? [() => begin(request)] : [],
    })
    this.#count(1)
    // the response is on its way, or the client disconnected: too late for a session
    if (this.phase === 'answering' || this.phase === 'done' || reply.raw.destroyed)
      opened.session.abort(over())
    else if (!this.#isListening) {
      this.#isListening = true
      reply.raw.once('close', () => this.#onClose())
    }
    return opened
  }

  #count(change: number): void {
    ;(this.request as never as { [kOpenSessions]: number })[kOpenSessions] += change
  }

  /** The response is over. If nothing has ended the session by now, nothing will. */
  #onClose(): void {
    const { session, phase } = this
    if (session === undefined || phase === 'answering' || phase === 'done') return
    this.phase = 'done'
    const { raw } = this.reply
    const isComplete =
      raw.writableFinished && (raw as { stream?: { aborted?: boolean } }).stream?.aborted !== true
    if (isComplete && phase === 'streaming') {
      session.finish().catch((err) => {
        this.request.log.error({ err }, 'the session of a response stream could not be committed')
      })
      return
    }
    if (isComplete && session.isOpen)
      this.request.log.error(
        'a hijacked reply ended before its session, which rolls back: call `commit()` first',
      )
    session.abort(
      new DbSessionError(
        'DB_SESSION_ABORTED',
        'The request ended before its session, which was rolled back.',
      ),
      0,
    )
  }
}

/** Wraps a handler, so it runs again after a conflict. */
export function withRetries(
  handler: RouteHandlerMethod,
  sessionOf: (request: FastifyRequest) => RequestSession | null,
  spec: TransactionSpec,
  name: string,
): RouteHandlerMethod {
  return function (this: FastifyInstance, request: FastifyRequest, reply: FastifyReply, ...rest: unknown[]) {
    const requestSession = sessionOf(request)
    const call = (request: FastifyRequest): unknown =>
      Reflect.apply(handler as (...args: unknown[]) => unknown, this, [request, reply, ...rest])
    // another plugin calls the handler with other arguments, as @fastify/websocket does
    if (requestSession?.request !== request) return call(request)
    return new HandlerRetries(call, requestSession, spec, name).run()
  } as RouteHandlerMethod
}

/** The runs of one request's handler. */
class HandlerRetries {
  readonly #call: (request: FastifyRequest) => unknown
  readonly #requestSession: RequestSession
  readonly #spec: TransactionSpec
  readonly #name: string
  #run = 1

  constructor(
    call: (request: FastifyRequest) => unknown,
    requestSession: RequestSession,
    spec: TransactionSpec,
    name: string,
  ) {
    this.#call = call
    this.#requestSession = requestSession
    this.#spec = spec
    this.#name = name
    requestSession.retry = (cause) => this.#retryAfterResponse(cause)
  }

  run(): unknown {
    try {
      const result = this.#call(this.#requestOfThisRun())
      return isThenable(result) ? result.then(undefined, (error) => this.#onError(error)) : result
    } catch (error) {
      return this.#onError(error)
    }
  }

  #onError(error: unknown): Promise<unknown> {
    const cause = this.#requestSession.session?.root.failure ?? error
    if (!this.#mayRunAgain(cause)) throw error
    return this.#runAgain()
  }

  /** The commit failed after the handler, so the new run sends its response by itself. */
  #retryAfterResponse(cause: unknown): boolean {
    if (!this.#mayRunAgain(cause)) return false
    const { reply } = this.#requestSession
    this.#runAgain().then(
      (payload) => payload !== undefined && reply.send(payload),
      (error) =>
        reply.send(error instanceof Error ? error : new Error('The handler failed.', { cause: error })),
    )
    return true
  }

  #mayRunAgain(cause: unknown): boolean {
    return this.#run <= this.#spec.retry && this.#requestSession.mayRetry(cause)
  }

  async #runAgain(): Promise<unknown> {
    await this.#requestSession.reset()
    await this.#requestSession.manager.backOff(this.#run++)
    return this.run()
  }

  /** Returns the request with a session of this run, so code left over from an earlier run gets none of a later one. */
  #requestOfThisRun(): FastifyRequest {
    const run = this.#run
    let db: DbSession | undefined
    return new Proxy(this.#requestSession.request, {
      get: (request, key) => {
        if (key !== this.#name) return Reflect.get(request, key)
        if (db === undefined && run !== this.#run) throw over()
        db ??= this.#requestSession.open(this.#spec)
        return db
      },
    })
  }
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof (value as Promise<unknown> | undefined)?.then === 'function'
}

/** Returns false for a body that Fastify has not parsed, or that is a stream: a second run would find it empty. */
function hasReadableBody({ body, headers }: FastifyRequest): boolean {
  if (body !== undefined && body !== null) return typeof (body as { pipe?: unknown }).pipe !== 'function'
  return headers['transfer-encoding'] === undefined && !(Number(headers['content-length'] ?? 0) > 0)
}
