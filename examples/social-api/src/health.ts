import { setTimeout } from 'node:timers/promises'
import { findPendingMigrations } from '@auth-primer/migrations'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { EXEMPT_FROM_PRESSURE } from '../platform/overload.ts'
import { Problem } from './problem.ts'
import { describeResponse, Message } from './schemas.ts'

/** How long the database may take. A load balancer should not wait as long as a request does. */
const READY_TIMEOUT_MS = 1_500

const ALIVE = { message: 'The service is alive.' }
const READY = { message: 'The service is ready.' }

export const health: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/health',
    {
      // The checks of a load balancer are never rejected, however many share its address.
      config: { ...EXEMPT_FROM_PRESSURE, rateLimit: false },
      schema: {
        operationId: 'getHealth',
        tags: ['Service'],
        summary: 'Is the service alive?',
        description: 'For process managers. Responds as long as the process runs.',
        response: { 200: describeResponse(Message, { examples: [ALIVE] }) },
      },
    },
    async () => ALIVE,
  )

  // Shared by all requests until it is settled, so that a database that hangs takes only one connection.
  let checking: Promise<string[]> | undefined
  app.get(
    '/ready',
    {
      config: { rateLimit: false },
      schema: {
        operationId: 'getReady',
        tags: ['Service'],
        summary: 'Is the service ready?',
        description:
          'For load balancers. Responds with 200 if the database responds and no migration is pending.',
        response: { 200: describeResponse(Message, { examples: [READY] }) },
      },
    },
    async () => {
      checking ??= findPendingMigrations(app.knex).finally(() => {
        checking = undefined
      })
      const pending = await Promise.race([checking, setTimeout(READY_TIMEOUT_MS, undefined, { ref: false })])
      if (pending === undefined)
        throw new Problem('DATABASE_UNAVAILABLE', 'The database does not respond in time.')
      if (pending.length > 0) throw new Problem('DATABASE_UNAVAILABLE', 'Migrations are pending.')
      return READY
    },
  )
}
