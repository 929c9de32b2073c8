import type { IncomingMessage, ServerResponse } from 'node:http'
import fp from 'fastify-plugin'
import helmet, { type HelmetOptions } from 'helmet'

export interface SecurityHeadersOptions {
  /** Whether browsers reach the service over TLS alone, and are told to stay with it. @default false */
  behindTls?: boolean
}

const NOTHING = "default-src 'none';base-uri 'none';frame-ancestors 'none'"

/**
 * What browsers are told: an answer loads nothing, is embedded nowhere, is not guessed at and not kept. A page that needs
 * more says so on its route.
 */
export default fp<SecurityHeadersOptions>(async (app, { behindTls = false }) => {
  const headers = {
    ...headersOf({
      contentSecurityPolicy: false,
      frameguard: { action: 'deny' },
      // On plain HTTP the first must not be sent (RFC 6797, section 7.2), and of the others browsers only complain.
      strictTransportSecurity: behindTls && { maxAge: 365 * 24 * 60 * 60, includeSubDomains: false },
      crossOriginOpenerPolicy: behindTls,
      originAgentCluster: behindTls,
    }),
    // Tokens (RFC 6749, section 5.1) and what is shown for one: no cache keeps them. Swagger UI's files say otherwise.
    'cache-control': 'no-store',
    pragma: 'no-cache',
  }
  app.addHook('onRequest', (request, reply, done) => {
    const { policy = NOTHING_AT_ALL } = request.routeOptions.config
    reply.headers(headers).header('content-security-policy', policy)
    done()
  })
})

const NOTHING_AT_ALL = `${NOTHING};form-action 'none'`

/** helmet's headers, worked out once: they are the same for every answer. */
function headersOf(options: HelmetOptions): Record<string, string> {
  const headers: Record<string, string> = {}
  const response = {
    setHeader(name: string, value: string) {
      headers[name.toLowerCase()] = value
    },
    removeHeader: () => {},
  }
  helmet(options)({} as IncomingMessage, response as unknown as ServerResponse, () => {})
  return headers
}

/** Of Swagger UI: scripts, styles and calls of this origin alone. Not `upgrade-insecure-requests`, for it works over plain HTTP. */
export const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  // One empty drawing that Swagger UI hides by an inline style.
  "style-src 'self' 'unsafe-hashes' 'sha256-RL3ie0nH+Lzz2YNqQN83mnU0J1ot4QL7b99vMdIX99w='",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The `Content-Security-Policy` of this route's answers. @default nothing is allowed */
    policy?: string
  }
}
