import { escapeHtml, PAGE_POLICY, renderPage } from '@auth-primer/tool-header'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { readAsset } from '../platform/openapi.ts'
import { DEMO_LOGINS } from './demo/welcome.ts'
import { Message } from './schemas.ts'

export interface WelcomeConfig {
  /** True if the page lists the demo users. */
  readonly hasDemoData: boolean
  readonly xrayKey?: string | undefined
}

const GREETING = { message: 'Welcome to social-api. Its documentation is at /docs.' }

export const welcome: FastifyPluginAsyncTypebox<WelcomeConfig> = async (app, { hasDemoData, xrayKey }) => {
  const content = (await readAsset('welcome.html'))
    .replace('<!-- message -->', escapeHtml(GREETING.message))
    .replaceAll(xrayKey ? '' : /.*<!-- X-ray -->\n/g, '')
    .replace('<!-- demo users -->', hasDemoData ? DEMO_LOGINS : '')
  const page = renderPage('social-api', content)

  app.get(
    '/',
    {
      schema: {
        operationId: 'getRoot',
        tags: ['Service'],
        summary: 'Welcome',
        description: 'A greeting in JSON, or a small page with links if `Accept` prefers HTML.',
        response: {
          200: {
            description: 'A greeting.',
            content: {
              'application/json': { schema: Message, example: GREETING },
              'text/html': { schema: Type.String() },
            },
          },
        },
      },
    },
    async (request, reply) => {
      if (!request.prefersPage()) return GREETING
      reply.header('content-security-policy', PAGE_POLICY)
      return reply.type('text/html; charset=utf-8').send(page)
    },
  )
}
