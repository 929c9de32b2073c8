import { pendingMigrations } from '@auth-primer/migrations'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Problem } from '../problem.ts'
import { Message } from '../schemas/common.ts'
import { problems } from '../schemas/problem.ts'

const health: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/health',
    {
      // A balancer's checks are never refused, however many share its address.
      config: { throttle: false },
      schema: {
        operationId: 'getHealth',
        tags: ['Service'],
        summary: 'Is the service alive?',
        response: { 200: Message, ...problems() },
      },
    },
    async () => ({ message: 'The service is alive.' }),
  )

  app.get(
    '/ready',
    {
      config: { throttle: false },
      schema: {
        operationId: 'getReady',
        tags: ['Service'],
        summary: 'Is it able to serve?',
        response: { 200: Message, ...problems() },
      },
    },
    async () => {
      const pending = await pendingMigrations(app.knex)
      if (pending.length > 0) throw new Problem('DATABASE_UNAVAILABLE', 'Migrations are pending.')
      return { message: 'The service is ready.' }
    },
  )
}

export default health
