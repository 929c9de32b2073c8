import type { FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify'
import { DbSessionError, isConflict } from './errors.ts'
import type { TransactionSpec } from './options.ts'
import type { OpenSession, SessionManager } from './session-manager.ts'
import type { DbSession } from './types.ts'

/** The number of databases that a request has used. A handler that used two cannot run again: one may have committed. */
export const kOpenSessions = Symbol('db-session.open-sessions')

/** Returns null if the request has another app's hooks, or came before them. */
export type GetRequestSession = (request: FastifyRequest) => RequestSession | null

export function readHead(reply: FastifyReply) {
  const headers = reply.getHeaders()
  // Fastify adds further cookies to the same array
  if (Array.isArray(headers['set-cookie'])) headers['set-cookie'] = [...headers['set-cookie']]
  return { statusCode: reply.raw.statusCode, headers }
}
export type Head = ReturnType<typeof readHead>

/** Restores an earlier head of a reply: no `Location` or `Set-Cookie` of a failed response must be left. */
export function restoreHead(reply: FastifyReply, { statusCode, headers }: Head): void {
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name)
  reply.headers(headers)
  reply.raw.statusCode = statusCode
  // Fastify's own mark of a chosen status, which `redirect(url)` of the next run would keep
  for (const key of Object.getOwnPropertySymbols(reply))
    if (key.description === 'fastify.reply.hasStatusCode') Object.assign(reply, { [key]: statusCode !== 200 })
}

type Open = (request: FastifyRequest, spec: TransactionSpec) => OpenSession

/** Connects one request and its response with a session. */
export class RequestSession {
  readonly request: FastifyRequest & { [kOpenSessions]?: number }
  readonly reply: FastifyReply
  /** `ending` while the session commits or rolls back; `streaming` while it lasts as long as a response stream. */
  phase: 'open' | 'ending' | 'streaming' | 'done' = 'open'
  /** The head of the reply before the handler ran. */
  head: Head | undefined
  /** Nothing used the session before the handler, so it may run again. */
  isUntouched = false
  /** Runs the handler again if the error is a conflict and that is possible. */
  retry: ((cause: unknown) => boolean) | undefined
  readonly #openSession: Open
  #current: OpenSession | undefined
  #isListening = false

  constructor(reply: FastifyReply, openSession: Open) {
    this.request = reply.request
    this.reply = reply
    this.#openSession = openSession
  }

  get session() {
    return this.#current?.session
  }

  beforeHandler(): void {
    this.head = readHead(this.reply)
    this.isUntouched = this.#current === undefined
  }

  /** Rolls the session back, so the handler can run again with another one. */
  async reset(): Promise<void> {
    await this.session?.abort(new DbSessionError('DB_SESSION_OVER'))
    this.#current = undefined
    if (this.head) restoreHead(this.reply, this.head)
  }

  /** Returns true if the handler may run again after this error: nothing is committed, sent or used up. */
  mayRetry(cause: unknown): boolean {
    const { raw, sent } = this.reply
    const isUnsent = this.phase === 'open' && !sent && !raw.headersSent && !raw.destroyed
    const isUncommitted = !this.session?.hasCommittedEarly && (this.request[kOpenSessions] ?? 0) <= 1
    return this.isUntouched && isUnsent && isUncommitted && isConflict(cause) && hasReadableBody(this.request)
  }

  open(spec: TransactionSpec): DbSession {
    if (this.#current) return this.#current.db
    const { raw } = this.reply
    this.#current = this.#openSession(this.request, spec)
    if (!this.#isListening) {
      this.#isListening = true
      this.request[kOpenSessions] = (this.request[kOpenSessions] ?? 0) + 1
      raw.once('close', () => this.#onClose())
    }
    // the response is on its way, or the client disconnected: too late for a session
    if (this.phase === 'ending' || this.phase === 'done' || raw.destroyed)
      this.#current.session.abort(new DbSessionError('DB_SESSION_OVER'))
    return this.#current.db
  }

  /** Ends the session if the response is over and nothing else has ended it. */
  #onClose(): void {
    const { session, phase } = this
    if (session === undefined || phase === 'ending' || phase === 'done') return
    this.phase = 'done'
    const { log } = this.request
    const raw = this.reply.raw as FastifyReply['raw'] & { stream?: { aborted?: boolean } }
    const isComplete = raw.writableFinished && raw.stream?.aborted !== true
    const logError = (err: unknown): void =>
      log.error({ err }, 'the session of a response stream did not commit')
    if (isComplete && phase === 'streaming') return void session.finish().catch(logError)
    if (isComplete && session.isOpen)
      log.error('a hijacked reply ended before its session, which rolls back: call `commit()` first')
    session.abort(new DbSessionError('DB_SESSION_ABORTED'), 0)
  }
}

type Call = (replaceArgument: (argument: unknown) => unknown) => unknown
export interface RetryOptions {
  readonly spec: TransactionSpec
  readonly name: string
  readonly getSession: GetRequestSession
  readonly manager: SessionManager
}

/** Wraps a handler, so it runs again after a conflict. */
export function withRetries(handler: RouteHandlerMethod, options: RetryOptions): RouteHandlerMethod {
  return function (this: unknown, ...args: unknown[]) {
    const call: Call = (replace) => Reflect.apply(handler, this, args.map(replace))
    // another plugin may call the handler with other arguments, or none, as @fastify/websocket does
    const requestSession = options.getSession(args[0] as FastifyRequest)
    return requestSession ? runWithRetries(call, requestSession, options) : call((arg) => arg)
  } as RouteHandlerMethod
}

function runWithRetries(call: Call, requestSession: RequestSession, options: RetryOptions): unknown {
  const { spec, name, manager } = options
  const { request, reply } = requestSession
  let current = 1
  const mayRunAgain = (cause: unknown): boolean => current <= spec.retry && requestSession.mayRetry(cause)

  /** Replaces the request and the reply, so code left over from an earlier run gets no session of a later one. */
  const replaceArguments = (run: number): Parameters<Call>[0] => {
    let db: DbSession | undefined
    const ownRequest = replaceMember(request, name, () => {
      if (db === undefined && run !== current) throw new DbSessionError('DB_SESSION_OVER')
      db ??= requestSession.open(spec)
      return db
    })
    const ownReply = replaceMember(reply, 'request', () => ownRequest)
    return (arg) => (arg === request ? ownRequest : arg === reply ? ownReply : arg)
  }
  const runAgain = async (): Promise<unknown> => {
    await requestSession.reset()
    await manager.backOff(current++)
    return callHandler()
  }
  const onError = (error: unknown): Promise<unknown> => {
    if (mayRunAgain(requestSession.session?.root.failure ?? error)) return runAgain()
    throw error
  }
  const callHandler = (): unknown => {
    try {
      const result = call(replaceArguments(current)) as Promise<unknown> | undefined
      return typeof result?.then === 'function' ? result.then(undefined, onError) : result
    } catch (error) {
      return onError(error)
    }
  }
  // a commit that fails comes after the handler, so the next run sends its response by itself
  requestSession.retry = (cause) => {
    if (!mayRunAgain(cause)) return false
    // a reply is a thenable, so it must not be returned: a promise that resolves with it adds listeners
    const sendResult = (payload: unknown): void => {
      if (payload !== undefined) reply.send(payload)
    }
    const sendError = (error: unknown): void =>
      void reply.send(error instanceof Error ? error : new Error('The handler failed.', { cause: error }))
    runAgain().then(sendResult, sendError)
    return true
  }
  return callHandler()
}

/** Returns the object with another value of one member, which the getters of other members get, too. */
function replaceMember<T extends object>(object: T, name: string, getValue: () => unknown): T {
  return new Proxy(object, {
    get: (target, key, receiver) => (key === name ? getValue() : Reflect.get(target, key, receiver)),
  })
}

/** Returns false for a body that Fastify has not parsed, or that is a stream: a second run would find it empty. */
function hasReadableBody({ body, headers }: FastifyRequest): boolean {
  if (body !== undefined && body !== null) return typeof (body as { pipe?: unknown }).pipe !== 'function'
  return headers['transfer-encoding'] === undefined && !(Number(headers['content-length'] ?? 0) > 0)
}
