import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { DbSessionError, isRetryable, translate } from './errors.ts'
import type { DbSession } from './face.ts'
import { type DbRoute, type DbSessionOptions, readOptions, readWork, type Work } from './options.ts'
import { type Run, Sessions } from './sessions.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The session of this request: no connection is taken before its first statement. */
    readonly db: DbSession
  }
  interface FastifyInstance {
    /** The same, outside a request, or beside the request's session. */
    unitOfWork<T>(work: (db: DbSession) => Promise<T>, options?: DbRoute): Promise<T>
  }
  interface FastifyContextConfig {
    db?: DbRoute
  }
}

const kWork = Symbol('db-session.work')
const kExchange = Symbol('db-session.exchange')

/** What one request and its answer need to know of their session. */
class Exchange {
  readonly reply: FastifyReply
  run: Run | undefined
  /** The answer is decided: nothing more happens in this session. */
  finished = false
  /** The headers as they were before the handler. */
  headers: ReturnType<FastifyReply['getHeaders']> | undefined
  again: ((cause: unknown) => boolean) | undefined

  constructor(reply: FastifyReply) {
    this.reply = reply
  }
}

type Carrier = FastifyRequest & { [kExchange]: Exchange | null }

/** Gives each request a database session: `request.db`. */
export const dbSession = fp<DbSessionOptions>(
  async (app: FastifyInstance, options: DbSessionOptions) => {
    const sessions = new Sessions(readOptions(options))

    app.decorateRequest(kExchange as never, null as never)
    app.decorateRequest('db', {
      getter(this: FastifyRequest) {
        return openFor(this as Carrier, sessions).db
      },
    } as never)
    app.decorate('unitOfWork', (work, route = {}) =>
      sessions.unitOfWork(work, route, (err) => app.log.error({ err }, 'work after the commit failed')),
    )
    app.addHook('onRequest', (request, reply, done) => {
      ;(request as Carrier)[kExchange] = new Exchange(reply)
      done()
    })
    app.addHook('onRoute', (route) => {
      const work = readWork(route.config?.db ?? {}, sessions.settings)
      route.config = { ...route.config, [kWork]: work } as never
      route.handler = wrap(route.handler, work, sessions) as never
      route.onSend = [...[route.onSend ?? []].flat(), finish] as RouteOptions['onSend'] & object
    })
  },
  { name: '@auth-primer/db-session', fastify: '5.x' },
)

function openFor(request: Carrier, sessions: Sessions): Run {
  const exchange = request[kExchange]
  if (exchange?.run) return exchange.run
  const work = (request.routeOptions.config as { [kWork]?: Work })[kWork]
  if (exchange === null || work === undefined) {
    throw new DbSessionError(
      'DB_SESSION_NOT_COVERED',
      'This route was added before the plugin: register db-session first',
    )
  }
  const run = sessions.open(work, false, (err) => request.log.error({ err }, 'work after the commit failed'))
  exchange.run = run
  if (exchange.finished) run.session.close()
  exchange.reply.raw.once('close', () => {
    if (exchange.finished || exchange.run !== run) return
    exchange.finished = true
    run.rollback()
    run.session.abort(
      new DbSessionError('DB_SESSION_ABORTED', 'The request ended before its answer: nothing was stored'),
    )
  })
  return run
}

/** Before the answer's head: stores, or undoes. Runs last, after the payload is what it will be. */
function finish(
  request: FastifyRequest,
  reply: FastifyReply,
  _payload: unknown,
  done: (error?: Error) => void,
): void {
  const exchange = (request as Carrier)[kExchange]
  if (!exchange || exchange.finished) return done()
  const { run } = exchange
  if (!run) {
    exchange.finished = true
    return done()
  }
  const cause = run.session.root.failed
  if (isRetryable(cause) && exchange.again?.(cause)) return
  const good = reply.statusCode < 400
  ;(good ? run.commit() : run.rollback()).then(
    () => {
      exchange.finished = true
      done()
      run.stored()
    },
    (error: DbSessionError) => {
      if (isRetryable(error) && exchange.again?.(error)) return
      exchange.finished = true
      restore(exchange)
      reply.code(error.statusCode)
      done(error)
    },
  )
}

/** Takes from the reply whatever the handler gave it. */
function restore({ reply, headers }: Exchange): void {
  for (const name of Object.keys(reply.getHeaders())) reply.removeHeader(name)
  if (headers) reply.headers(headers)
  reply.serializer(null as never)
  reply.raw.statusCode = 200
}

function wrap(handler: RouteHandlerMethod, work: Work, sessions: Sessions) {
  return function (this: FastifyInstance, request: FastifyRequest, reply: FastifyReply): unknown {
    const exchange = (request as Carrier)[kExchange]
    if (!exchange) return handler.call(this, request, reply)
    exchange.headers = reply.getHeaders()
    let attempt = 1
    const mayRun = (cause: unknown): boolean =>
      attempt <= work.retry &&
      isRetryable(cause) &&
      !exchange.run?.committedEarly &&
      !reply.sent &&
      !reply.raw.headersSent &&
      !isStream(request.body)
    const call = (): unknown => {
      let result: unknown
      try {
        result = handler.call(this, request, reply)
      } catch (error) {
        return failed(error)
      }
      return isThenable(result) ? result.then(undefined, failed) : result
    }
    const failed = (error: unknown): unknown => {
      const cause = exchange.run?.session.root.failed ?? error
      if (mayRun(cause)) return again()
      throw translate(error) ?? error
    }
    const again = async (): Promise<unknown> => {
      await exchange.run?.rollback()
      await sessions.backOff(attempt++)
      exchange.run = undefined
      restore(exchange)
      return call()
    }
    if (work.retry > 0) {
      exchange.again = (cause) => {
        if (!mayRun(cause)) return false
        again().then(
          (payload) => {
            if (payload !== undefined) reply.send(payload)
          },
          (error) => reply.send(error),
        )
        return true
      }
    }
    return call()
  }
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof (value as Promise<unknown> | undefined)?.then === 'function'
}

function isStream(body: unknown): boolean {
  return typeof (body as NodeJS.ReadableStream | undefined)?.pipe === 'function'
}
