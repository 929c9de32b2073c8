import { setTimeout as sleep } from 'node:timers/promises'
import { pendingMigrations } from '@auth-primer/migrations'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { KEEPS_ANSWERING } from '../plugins/pressure.ts'
import { Problem } from '../problem.ts'
import { answer, Message } from '../schemas/common.ts'
import { problems } from '../schemas/problem.ts'

/** How long the database may take. A load balancer that asks must not wait as long as a request would. */
const PATIENCE_MS = 1_500

const health: FastifyPluginAsyncTypebox = async (app) => {
  // Whoever asks meanwhile gets the same answer: a database that hangs is waited for on one connection.
  let checking: Promise<string[]> | undefined

  app.get(
    '/health',
    {
      // A balancer's checks are never refused, however many share its address.
      config: { ...KEEPS_ANSWERING, rateLimit: false },
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
      config: { rateLimit: false },
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
      checking ??= pendingMigrations(app.knex).finally(() => {
        checking = undefined
      })
      const pending = await Promise.race([checking, failAfter(PATIENCE_MS)])
      if (pending.length > 0) throw new Problem('DATABASE_UNAVAILABLE', 'Migrations are pending.')
      return { message: 'The service is ready.' }
    },
  )
}

async function failAfter(ms: number): Promise<never> {
  await sleep(ms, undefined, { ref: false })
  throw new Problem('DATABASE_UNAVAILABLE', 'The database does not answer in time.')
}

export default health
