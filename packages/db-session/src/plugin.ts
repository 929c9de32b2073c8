import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { DbSession, UnitOfWork } from './db-session.ts'
import { DbSessionError } from './errors.ts'
import { Exchange } from './exchange.ts'
import { finish } from './finish.ts'
import { handle } from './handle.ts'
import {
  type DbRoute,
  type DbSessionOptions,
  type Mode,
  readOptions,
  readWork,
  type Work,
} from './options.ts'
import { Sessions } from './sessions.ts'
import { closeUnusedSockets } from './shutdown.ts'

declare module 'fastify' {
  // Its type parameters must be those of Fastify, in their order: plugin-types.test.ts fails when they change.
  interface FastifyRequest<RouteGeneric, RawServer, RawRequest, SchemaCompiler, TypeProvider, ContextConfig> {
    /** The session of this request. No connection is taken before its first statement. */
    readonly db: DbSession<ModeOf<ContextConfig>>
  }
  interface FastifyInstance {
    /** The same as a request's session, outside a request or beside its session: stored once `work` is done. */
    readonly unitOfWork: UnitOfWork
  }
  interface FastifyContextConfig {
    /** What the sessions of this route are like. */
    db?: DbRoute
  }
}

/** Of a route whose `config` says so, `'read'`; elsewhere, as in hooks, it can be either. */
type ModeOf<Config> = Config extends { readonly db: { readonly mode: 'read' } } ? 'read' : Mode

const kWork = Symbol('db-session.work')
const kExchange = Symbol('db-session.exchange')
const kSessions = Symbol('db-session.sessions')

type Carrier = FastifyRequest & { [kExchange]: Exchange | null }

/**
 * Gives each request a database session, `request.db`: COMMIT before the head of an answer below 400,
 * ROLLBACK otherwise.
 */
export const dbSession = fp<DbSessionOptions>(
  async (app: FastifyInstance, options: DbSessionOptions) => {
    const sessions = new Sessions(readOptions(options), app.log)
    app.decorate(kSessions as never, sessions as never)
    app.decorate('unitOfWork', (work, route = {}) => sessions.unitOfWork(work, route))
    app.decorateRequest(kExchange as never, null as never)
    app.decorateRequest('db', { getter: sessionOf } as never)

    app.addHook('onRequest', (request, reply, done) => {
      ;(request as Carrier)[kExchange] = new Exchange(request, reply, sessions)
      done()
    })
    app.addHook('onRoute', (route) => {
      const work = readWork(route.config?.db ?? {}, sessions.settings)
      route.config = { ...route.config, [kWork]: work } as NonNullable<RouteOptions['config']>
      route.handler = handle(route.handler, exchangeOf, work, sessions) as RouteOptions['handler']
      // of all hooks the last: whatever else may fail has done so by then
      route.onSend = [route.onSend ?? [], finish(exchangeOf, work)].flat() as NonNullable<
        RouteOptions['onSend']
      >
    })
    app.addHook('onClose', () => sessions.close())
    closeUnusedSockets(app)
  },
  { name: '@auth-primer/db-session', fastify: '5.x' },
)

export function sessionsOf(app: FastifyInstance): Sessions {
  return (app as FastifyInstance & { [kSessions]: Sessions })[kSessions]
}

function exchangeOf(request: FastifyRequest): Exchange | null {
  return (request as Carrier)[kExchange]
}

function sessionOf(this: FastifyRequest): DbSession {
  const exchange = exchangeOf(this)
  if (exchange?.run) return exchange.run.db
  const work = (this.routeOptions.config as { [kWork]?: Work })[kWork]
  if (!exchange || !work) {
    throw new DbSessionError(
      'DB_SESSION_NOT_COVERED',
      'No session here: routes and hooks have one if they are added after db-session, not-found handlers never',
    )
  }
  return exchange.open(work).db
}
