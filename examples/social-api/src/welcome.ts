import { PLAIN_PAGE_POLICY, renderPlainPage } from '@auth-primer/tool-guide'
import accepts from '@fastify/accepts'
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
  await app.register(accepts)
  const content = (await readAsset('welcome.html'))
    .replace(xrayKey ? '' : /.*<!-- X-ray -->\n/, '')
    .replace('<!-- demo users -->', hasDemoData ? DEMO_LOGINS : '')
  const page = renderPlainPage('social-api', content)

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
      const wantsPage = request.accepts().type(['json', 'html']) === 'html'
      if (!wantsPage) return GREETING
      reply.header('content-security-policy', PLAIN_PAGE_POLICY)
      return reply.type('text/html; charset=utf-8').send(page)
    },
  )
}
