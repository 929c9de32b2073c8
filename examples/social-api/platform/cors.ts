/**
 * Protects users from pages of other origins: only the origins in `CORS_ORIGINS` may read the responses. Cookies are not
 * allowed; a page proves who is asking with a bearer token, which it has only if the user gave it one.
 */
import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'

export interface CorsConfig {
  /** The origins whose pages may use the service, or `*` for all. Empty: no CORS header is sent. */
  readonly corsOrigins?: readonly string[]
}

export async function registerCors(app: FastifyInstance, { corsOrigins = [] }: CorsConfig) {
  if (corsOrigins.length === 0) return
  const allowsAll = corsOrigins.includes('*')

  await app.register(cors, {
    delegator: ({ method, headers }, done) => {
      const { origin } = headers
      const isAllowed = origin !== undefined && (allowsAll || corsOrigins.includes(origin))
      done(null, {
        origin: isAllowed && (allowsAll ? '*' : origin),
        methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
        exposedHeaders: ['Location', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id'],
        maxAge: 600,
        // Any other OPTIONS is a wrong method.
        preflight: method === 'OPTIONS' && headers['access-control-request-method'] !== undefined,
      })
    },
  })
}
