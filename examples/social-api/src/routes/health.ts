import { pendingMigrations } from '@auth-primer/migrations'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Problem } from '../problem.ts'
import { answer, Message } from '../schemas/common.ts'
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
        description:
          'Answers as long as the process does, and asks nobody else: who watches over processes looks here.',
        response: {
          200: answer(Message, { examples: [{ message: 'The service is alive.' }] }),
          ...problems(),
        },
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
        description:
          'Answers 200 when the database answers and has every migration: a load balancer looks here before it sends anybody.',
        response: {
          200: answer(Message, { examples: [{ message: 'The service is ready.' }] }),
          ...problems(),
        },
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
