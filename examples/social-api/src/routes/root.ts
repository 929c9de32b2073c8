import { PLAIN_PAGE_POLICY } from '@auth-primer/tool-guide'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { Message } from '../schemas/common.ts'
import { problems } from '../schemas/problem.ts'
import { welcomePage } from '../welcome.ts'

interface RootOptions {
  hasDemoData: boolean
  xrayKey?: string | undefined
}

const GREETING = { message: 'Welcome to social-api. Its documentation is at /docs.' }

const root: FastifyPluginAsyncTypebox<RootOptions> = async (app, { hasDemoData, xrayKey }) => {
  const page = welcomePage(hasDemoData, xrayKey !== undefined)

  app.get(
    '/',
    {
      config: { policy: PLAIN_PAGE_POLICY },
      schema: {
        operationId: 'getRoot',
        tags: ['Service'],
        summary: 'Welcome',
        description:
          'Says hello, and where to go on: in JSON, or with a small page where `Accept` prefers HTML.',
        response: {
          200: {
            description: 'A greeting.',
            content: {
              'application/json': { schema: Message, example: GREETING },
              'text/html': { schema: Type.String() },
            },
          },
          ...problems(),
        },
      },
    },
    async (request, reply) => {
      if (request.accepts().type(['json', 'html']) === 'html') {
        return reply.type('text/html; charset=utf-8').send(page)
      }
      return GREETING
    },
  )
}

export default root
