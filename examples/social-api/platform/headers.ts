/**
 * Protects browsers: a response loads nothing, is not embedded, sniffed or cached, and its origin stays on TLS. A page that
 * needs more sends its own policy.
 */
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import Fastify, { type FastifyInstance } from 'fastify'

export interface HeadersConfig {
  /** True if browsers reach the service only over TLS. */
  readonly behindTls: boolean
}

/** The `Content-Security-Policy` of a response that loads nothing. */
const CSP_DENY_ALL = {
  'default-src': ["'none'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
}

export async function registerHeaders(app: FastifyInstance, { behindTls }: HeadersConfig) {
  const headers = {
    ...(await computeHeaders({
      contentSecurityPolicy: { useDefaults: false, directives: CSP_DENY_ALL },
      frameguard: { action: 'deny' },
      // Over plain HTTP the first must not be sent (RFC 6797, section 7.2), and browsers complain about the others.
      strictTransportSecurity: behindTls && { maxAge: 365 * 24 * 60 * 60, includeSubDomains: false },
      crossOriginOpenerPolicy: behindTls,
      originAgentCluster: behindTls,
    })),
    // No cache may store tokens (RFC 6749, section 5.1), or responses to their owner.
    'cache-control': 'no-store',
    pragma: 'no-cache',
  }
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(headers).header('x-request-id', request.id)
    done()
  })
}

/**
 * Returns the headers that helmet sets. They are the same for every response, so a separate app computes them once. For
 * each request, that would take longer than all other hooks together.
 */
async function computeHeaders(options: FastifyHelmetOptions): Promise<Record<string, unknown>> {
  const app = Fastify()
  await app.register(helmet, options)
  app.get('/', (_request, reply) => void reply.send(reply.getHeaders()))
  return (await app.inject('/')).json()
}
