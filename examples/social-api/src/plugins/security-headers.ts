import { createHash } from 'node:crypto'
import helmet from '@fastify/helmet'
import fp from 'fastify-plugin'

export interface SecurityHeadersOptions {
  /** Whether browsers reach the service over TLS alone, and are told to stay with it. @default false */
  behindTls?: boolean
}

const NOTHING = { 'default-src': ["'none'"], 'base-uri': ["'none'"], 'frame-ancestors': ["'none'"] }

/**
 * What browsers are told: an answer loads nothing, is embedded nowhere, is not guessed at and not kept. A page that needs
 * more says so on its route.
 */
export default fp<SecurityHeadersOptions>(async (app, { behindTls = false }) => {
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { ...NOTHING, 'form-action': ["'none'"] } },
    frameguard: { action: 'deny' },
    // On plain HTTP the first must not be sent (RFC 6797, section 7.2), and of the others browsers only complain.
    strictTransportSecurity: behindTls && { maxAge: 365 * 24 * 60 * 60, includeSubDomains: false },
    crossOriginOpenerPolicy: behindTls,
    originAgentCluster: behindTls,
  })
  app.addHook('onRequest', async (_request, reply) => {
    // Tokens (RFC 6749, section 5.1) and what is shown for one: no cache keeps them. Swagger UI's files say otherwise.
    reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
  })
})

/** Of a page whose one style sheet stands in it. */
export function pagePolicy(style: string) {
  const digest = createHash('sha256').update(style).digest('base64')
  return {
    useDefaults: false,
    directives: {
      ...NOTHING,
      'style-src': [`'sha256-${digest}'`],
      'img-src': ['data:'],
      'form-action': ["'none'"],
    },
  }
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
