import type { FastifyInstance, FastifyRequest, preHandlerHookHandler, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { commitOnSend } from './commit-on-send.ts'
import { DbSessionError, toDbSessionError } from './errors.ts'
import * as option from './options.ts'
import { type GetRequestSession, kOpenSessions, RequestSession, withRetries } from './request-session.ts'
import { SessionManager } from './session-manager.ts'
import type { BeginStatements, DbRoute, DbSession, SessionOptions, UnitOfWork } from './types.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The session of this request. It takes no connection before its first statement. */
    readonly db: DbSession
  }
  interface FastifyInstance {
    /** Runs a function in its own session, outside of a request or next to its session. */
    readonly unitOfWork: UnitOfWork
  }
  interface FastifyContextConfig {
    /** The options of this route's sessions. */
    db?: DbRoute
  }
}

/** The options of the plugin. */
export interface DbSessionOptions extends SessionOptions {
  /**
   * The name of the session: `request[name]`, with its route options in `config[name]`. Another name than the default
   * allows a second database; its units of work are `app[name + 'UnitOfWork']`. @default 'db'
   */
  readonly name?: string
  /**
   * Returns statements that follow each BEGIN in the same message, also when a handler runs again: a tenant's
   * `set_config`, a `SET LOCAL ROLE`. `request` is undefined in a unit of work outside of a request. @default none
   * @example
   * (request) => ({ text: "SELECT set_config('app.tenant', $1, true)", values: [request?.headers['x-tenant'] ?? ''] })
   */
  readonly begin?: (request: FastifyRequest | undefined) => BeginStatements
}

/** The options that Fastify itself adds to those of a plugin. */
const REGISTER_OPTIONS = ['prefix', 'logLevel', 'logSerializers']

/** Gives each request a database session, `request.db`, which commits before a good response is sent, or rolls back. */
export const dbSession = fp<DbSessionOptions>(
  async (app: FastifyInstance, options: DbSessionOptions) => {
    const { name = 'db', begin } = options
    const settings = option.parseSessionOptions(options, ['name', ...REGISTER_OPTIONS])
    option.check('name', name, 'an identifier', typeof name === 'string' && /^[a-z]\w*$/i.test(name))
    if (app.hasRequestDecorator(name))
      throw option.invalidOption(`\`request.${name}\` exists already: give each database its own \`name\`.`)
    const manager = new SessionManager(settings, app.log)
    const kSession = Symbol(`db-session.${name}`)
    const kSpec = Symbol(`db-session.${name}.spec`)
    const getSession: GetRequestSession = (request) => (request as never)?.[kSession]

    const unitOfWork = manager.createUnitOfWork(begin && (() => begin(undefined)))
    app.decorate((name === 'db' ? 'unitOfWork' : `${name}UnitOfWork`) as 'unitOfWork', unitOfWork)
    if (!app.hasRequestDecorator(kOpenSessions)) app.decorateRequest(kOpenSessions as never, 0 as never)
    app.decorateRequest(kSession as never, null as never)
    app.decorateRequest(name, {
      getter(this: FastifyRequest): DbSession {
        const spec = (this.routeOptions.config as { [kSpec]?: option.TransactionSpec })[kSpec]
        const session = getSession(this)
        if (spec && session) return session.open(spec)
        throw new DbSessionError('DB_SESSION_NOT_COVERED')
      },
    } as never)
    const openSession = (request: FastifyRequest, spec: option.TransactionSpec) => {
      const owner = `${request.method} ${request.routeOptions.url}`
      const ownBegin = begin ? [() => begin(request)] : []
      return manager.open({ owner, spec, isUnit: false, log: request.log, begin: ownBegin })
    }
    app.addHook('onRequest', (request, reply, done) => {
      ;(request as unknown as Record<symbol, unknown>)[kSession] = new RequestSession(reply, openSession)
      done()
    })
    app.addHook('onRoute', (route) => {
      const config = (route.config ?? {}) as Record<string | symbol, unknown>
      // Fastify adds a HEAD route with the options of the GET route
      if (config[kSpec]) return
      const spec = option.parseTransactionSpec(settings, config[name] as DbRoute | undefined)
      route.config = { ...config, [kSpec]: spec } as NonNullable<RouteOptions['config']>
      route.errorHandler = translateErrors(route.errorHandler)
      if (spec.retry > 0) route.handler = withRetries(route.handler, { spec, name, getSession, manager })
      // the last hook before the handler, and the last one before the response
      const beforeHandler: preHandlerHookHandler = (request, _reply, done) => {
        getSession(request)?.beforeHandler()
        done()
      }
      route.preHandler = [route.preHandler ?? [], beforeHandler].flat()
      route.onSend = [route.onSend ?? [], commitOnSend(getSession, spec)].flat()
    })
    app.addHook('onClose', () => manager.close())
  },
  { name: '@auth-primer/db-session', fastify: '5.x' },
)

/** Gives errors of Postgres a status and a message without SQL, before the app's own error handler gets them. */
function translateErrors(own: RouteOptions['errorHandler']): NonNullable<RouteOptions['errorHandler']> {
  return function (error, request, reply) {
    const translated = toDbSessionError(error) ?? error
    if (own) return Reflect.apply(own, this, [translated, request, reply])
    // Fastify passes an error that is thrown here on to the handler of the app
    if (translated instanceof Error) throw translated
    throw new Error('A handler threw a value that is not an Error.', { cause: error })
  }
}
