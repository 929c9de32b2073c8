import type { FastifyPluginAsync } from 'fastify'
import type { AuthOptions } from '../plugins/auth.ts'
import type { DatabaseOptions } from '../plugins/database.ts'
import { KEEPS_ANSWERING } from '../plugins/pressure.ts'
import assets from './assets.ts'
import hashBench from './bench/hash.ts'
import sessionBench from './bench/session.ts'
import tokenBench from './bench/token.ts'
import { addGate, LOCAL_ONLY, PREFIX } from './gate.ts'
import lessons from './lessons.ts'
import stream from './stream.ts'

export interface XrayOptions extends AuthOptions, DatabaseOptions {
  /** Whether X-ray is there: never in production, and never behind a proxy. @default false */
  xray?: boolean
}

/**
 * X-ray: a page that shows what happens within a request, and benches to break it on.
 *
 * Register it last, after `refuseOtherMethods()`: a wrong method would tell outsiders that there is something.
 */
const xray: FastifyPluginAsync<XrayOptions> = async (app, options) => {
  if (!options.xray) return
  addGate(app)
  await app.register(routes, { ...options, prefix: PREFIX })
}

const routes: FastifyPluginAsync<XrayOptions> = async (app, options) => {
  app.addHook('onRoute', (route) => {
    route.constraints = LOCAL_ONLY
    route.schema = { ...route.schema, hide: true }
    route.config = {
      ...KEEPS_ANSWERING,
      ...{ rateLimit: false, cors: false, xray: 'hidden', policy: POLICY },
      ...route.config,
    }
  })
  // Its address is a loopback one, so browsers take it for secure and heed this over plain HTTP.
  app.addHook(
    'onRequest',
    async (_request, reply) => void reply.header('cross-origin-opener-policy', 'same-origin'),
  )

  await app.register(assets)
  await app.register(lessons)
  await app.register(stream)
  await app.register(tokenBench, { ...options, prefix: '/bench/token' })
  await app.register(hashBench, { prefix: '/bench/hash' })
  await app.register(sessionBench, { ...options, prefix: '/bench/session' })
}

/** Scripts, styles and calls of this origin alone, and nothing that stands in the page itself. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export default xray
