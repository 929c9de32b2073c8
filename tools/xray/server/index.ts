// Adds `hide` to the type of a route's schema.
import type {} from '@fastify/swagger'
import { Ajv } from 'ajv'
import type { FastifyContextConfig } from 'fastify'
import fp from 'fastify-plugin'
import type { Knex } from 'knex'
import assets from './assets.ts'
import hashBench from './bench/hash.ts'
import sessionBench from './bench/session.ts'
import tokenBench, { type TokenBenchOptions } from './bench/token.ts'
import data from './data.ts'
import { addGate, PREFIX, WITH_KEY } from './gate.ts'
import lessons from './lessons.ts'
import { publishLifecycle } from './lifecycle-events.ts'
import type { PageConfig, ServiceDescription } from './service-description.ts'
import stream from './stream.ts'
import { type TableOptions, Tables } from './tables.ts'

export { PoolStatements } from './pool-statements.ts'
export type { ServiceDescription } from './service-description.ts'

export interface XrayOptions {
  /** The key that opens the page: in its URL, `/xray?key=…`, and from then on in a cookie. Only URL-safe characters. */
  readonly key: string
  /** The pool whose statements outside a database session are shown. */
  readonly knex: Knex
  readonly service: ServiceDescription
  /** The tables that the page shows as they are now. Their rows are read after each commit, so name only a few. @default none */
  readonly tables?: readonly TableOptions[]
  /** Puts the data back as it was at first. The page offers it, and asks for a confirmation. @default not offered */
  readonly reset?: () => Promise<void>
  /** Signs tokens that the service must reject. @default the page offers only tokens that it can make itself */
  readonly tokenBench?: TokenBenchOptions
  /** The diagnostics channel on which the service publishes each caller: `{ id, role?, name? }`. @default callers are unknown */
  readonly callerChannel?: string
  /** The codes of problem documents whose `detail` never contains a value from a client. @default none */
  readonly safeDetails?: readonly string[]
  /** HTML at the top of the page, with links to the service's other pages. Scripts and styles within it must be files. @default none */
  readonly header?: string
  /** Members of the `config` of X-ray's routes, such as those that exempt a route from a rate limit. */
  readonly routeConfig?: FastifyContextConfig
}

/**
 * X-ray: a page that shows what happens within each request, and benches to break it on.
 *
 * Register it after db-session, because its benches use `request.db`, and before every other plugin with hooks or 405 routes.
 * Then it also traces the requests that those plugins reject, and a wrong method does not reveal its paths.
 */
export default fp<XrayOptions>(
  async (app, options) => {
    const { knex, service, reset, callerChannel, tokenBench: tokenBenchOptions } = options
    const tables = options.tables && new Tables(knex, options.tables)
    const pageConfig: PageConfig = {
      ...service,
      hasTokenBench: tokenBenchOptions !== undefined,
      hasTables: tables !== undefined,
      hasReset: reset !== undefined,
    }
    publishLifecycle(app, options.safeDetails ?? [])
    addGate(app, options.key)
    await app.register(
      async (scope) => {
        // Bodies are validated as they are, even if the app coerces values.
        scope.setValidatorCompiler(({ schema }) => ajv.compile(schema))
        scope.addHook('onRoute', (route) => {
          route.constraints = WITH_KEY
          route.schema = { ...route.schema, hide: true }
          route.config = { ...options.routeConfig, xray: 'hidden', ...route.config }
        })
        scope.addHook('preHandler', async (_request, reply) => void reply.headers(HEADERS))

        await scope.register(assets, options)
        scope.get('/service', async () => pageConfig)
        await scope.register(lessons, { guide: service.guide })
        await scope.register(stream, { knex, callerChannel, tables })
        await scope.register(data, { tables, reset })
        if (tokenBenchOptions)
          await scope.register(tokenBench, { ...tokenBenchOptions, prefix: '/bench/token' })
        await scope.register(hashBench, { prefix: '/bench/hash' })
        await scope.register(sessionBench, { knex, prefix: '/bench/session' })
      },
      { prefix: PREFIX },
    )
  },
  { name: '@auth-primer/tool-xray', fastify: '5.x' },
)

const ajv = new Ajv({ coerceTypes: false })

const HEADERS = {
  // Scripts, styles and calls of this origin only, and nothing inline.
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  // Browsers treat a loopback address as secure, so they obey this over plain HTTP.
  'cross-origin-opener-policy': 'same-origin',
}
