import { resolve } from 'node:path'
import accepts from '@fastify/accepts'
import fastifyStatic from '@fastify/static'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { renderErrorPage } from './error-page.ts'
import { PAGE_POLICY } from './page.ts'

const ASSETS = resolve(import.meta.dirname, '../assets')

/** Parsing `Accept` takes time that grows with the square of its length. Browsers send a tenth of this. */
const MAX_ACCEPT_LENGTH = 1024

declare module 'fastify' {
  interface FastifyRequest {
    /** Returns true if the client prefers a page to JSON, as a browser does that opens an address. */
    prefersPage(): boolean
  }
}

/**
 * Serves the header's style and script, and turns problem documents into pages for browsers.
 *
 * Register it before the routes whose errors it should show.
 */
export default fp(
  async (app) => {
    await app.register(accepts)
    app.decorateRequest('prefersPage', prefersPage)
    app.addHook('onSend', (request, reply, payload, done) => {
      if (!isProblem(reply) || typeof payload !== 'string' || !request.prefersPage()) return void done()
      const [path = '/'] = request.originalUrl.split('?', 1)
      reply.headers({ 'content-type': 'text/html; charset=utf-8', 'content-security-policy': PAGE_POLICY })
      done(null, renderErrorPage(JSON.parse(payload), path))
    })
    await app.register(fastifyStatic, {
      root: ASSETS,
      wildcard: false,
      index: false,
      decorateReply: false,
      // The service's pages are not cached. These files are, but the browser asks whether they have changed.
      setHeaders: (reply: FastifyReply) =>
        void reply.removeHeader('pragma').header('cache-control', 'no-cache'),
    })
  },
  { name: '@auth-primer/tool-header', fastify: '5.x' },
)

function prefersPage(this: FastifyRequest): boolean {
  const { method, headers } = this
  if (method !== 'GET' && method !== 'HEAD') return false
  if ((headers.accept?.length ?? 0) > MAX_ACCEPT_LENGTH) return false
  return this.accepts().type(['json', 'html']) === 'html'
}

function isProblem(reply: FastifyReply): boolean {
  return String(reply.getHeader('content-type')).startsWith('application/problem+json')
}
