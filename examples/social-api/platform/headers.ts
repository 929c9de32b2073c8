/**
 * Protects browsers: a response loads nothing, is not embedded, sniffed or cached, and its origin stays on TLS. A page that
 * needs more says so with `helmet` on its route.
 */
import { createHash } from 'node:crypto'
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import type { FastifyInstance } from 'fastify'

export interface HeadersConfig {
  /** True if browsers reach the service only over TLS. */
  readonly behindTls: boolean
}

type Policy = Record<string, string[]>

/** The policy of a response that loads nothing. */
export const NOTHING: Policy = {
  'default-src': ["'none'"],
  'base-uri': ["'none'"],
  'form-action': ["'none'"],
  'frame-ancestors': ["'none'"],
}

/** Returns the route option for a page with this `Content-Security-Policy`, which otherwise allows nothing. */
export function allow(policy: Policy): { helmet: FastifyHelmetOptions } {
  return { helmet: { contentSecurityPolicy: { useDefaults: false, directives: { ...NOTHING, ...policy } } } }
}

/** Returns the route option for a page whose only style sheet is its `<style>` element. */
export function allowInlineStyle(page: string): { helmet: FastifyHelmetOptions } {
  const [, style = ''] = /<style>(.*?)<\/style>/s.exec(page) ?? []
  const digest = createHash('sha256').update(style).digest('base64')
  return allow({ 'style-src': [`'sha256-${digest}'`], 'img-src': ['data:'] })
}

export async function registerHeaders(app: FastifyInstance, { behindTls }: HeadersConfig) {
  await app.register(helmet, {
    ...allow({}).helmet,
    frameguard: { action: 'deny' },
    // Over plain HTTP the first must not be sent (RFC 6797, section 7.2), and browsers complain about the others.
    strictTransportSecurity: behindTls && { maxAge: 365 * 24 * 60 * 60, includeSubDomains: false },
    crossOriginOpenerPolicy: behindTls,
    originAgentCluster: behindTls,
  } as FastifyHelmetOptions)
  // No cache keeps tokens (RFC 6749, section 5.1), or what was sent to their owner.
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
    done()
  })
}
