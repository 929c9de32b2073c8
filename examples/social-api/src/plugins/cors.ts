import cors from '@fastify/cors'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

export interface CorsOptions {
  /** The origins whose pages may use the service, or `*` for all. None: the headers of CORS are never sent. */
  corsOrigins?: readonly string[]
}

/**
 * Which web pages may read the answers. Credentials, in CORS cookies, are not among what is allowed: whoever asks says
 * so with a bearer token, which a page of another origin has only if it was given one.
 *
 * Register it before `methods`, which would answer a preflight with a 405.
 */
export default fp<CorsOptions>(async (app, { corsOrigins = [] }) => {
  if (corsOrigins.length === 0) return
  const allowsAll = corsOrigins.includes('*')

  await app.register(cors, {
    delegator: (request, done) => {
      const { origin } = request.headers
      const isAllowed =
        origin !== undefined &&
        request.routeOptions.config.cors !== false &&
        (allowsAll || corsOrigins.includes(origin))
      done(null, {
        origin: isAllowed && (allowsAll ? '*' : origin),
        credentials: false,
        methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
        exposedHeaders: ['Location', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id'],
        maxAge: 600,
        // Any other OPTIONS is a wrong method.
        preflight: isPreflight(request),
      })
    },
  })
})

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `false`: pages of other origins may not read the answers, whatever is configured. */
    cors?: false
  }
}

function isPreflight({ method, headers }: FastifyRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
}
