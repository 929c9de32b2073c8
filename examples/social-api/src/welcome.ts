import { readFile } from 'node:fs/promises'
import accepts from '@fastify/accepts'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { allowInlineStyle } from '../platform/headers.ts'
import { DEMO_PASSWORD, DEMO_USERS } from './demo/data.ts'
import { Message } from './schemas.ts'

export interface WelcomeConfig {
  /** True if the page lists the demo users. */
  readonly hasDemoData: boolean
  readonly xrayKey?: string | undefined
}

const GREETING = { message: 'Welcome to social-api. Its documentation is at /docs.' }

const XRAY =
  '<li><a href="/xray">X-ray</a>, which shows what happens within each request. The first time, open it by the address in the service’s log.</li>'

const DEMO = `<h2>Log in as</h2>
<ul>
${DEMO_USERS.map(({ email, role }) => `  <li><code>${email}</code>${role === 'admin' ? ' (admin)' : ''}</li>`).join('\n')}
</ul>
<p>The password of each is <code>${DEMO_PASSWORD}</code>.</p>`

export const welcome: FastifyPluginAsyncTypebox<WelcomeConfig> = async (app, { hasDemoData, xrayKey }) => {
  await app.register(accepts)
  const file = new URL(import.meta.resolve('@auth-primer/social-api/assets/welcome.html'))
  const page = (await readFile(file, 'utf8'))
    .replace('<!-- X-ray -->', xrayKey ? XRAY : '')
    .replace('<!-- demo users -->', hasDemoData ? DEMO : '')

  app.get(
    '/',
    {
      ...allowInlineStyle(page),
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
      return wantsPage ? reply.type('text/html; charset=utf-8').send(page) : GREETING
    },
  )
}
