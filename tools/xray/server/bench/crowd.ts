import { dbSession } from '@auth-primer/db-session'
import Fastify, { type FastifyInstance } from 'fastify'
import knexFactory, { type Knex } from 'knex'

export const POOL = 5
const ACQUIRE_TIMEOUT_MS = 400

/** One request's status, how long it waited for a connection, and how long it had one. */
export interface Turn {
  status: number
  waitedMs: number
  workedMs: number
}

/**
 * Creates a service with one route, which holds its connection for a tenth of a second, and with a separate pool of five, so
 * that its requests do not use the pool of the real service.
 */
export function createCrowd(knex: Knex): {
  one(): Promise<Turn>
  close(): Promise<void>
} {
  let starting: Promise<FastifyInstance> | undefined

  const start = async () => {
    const app = Fastify()
    await app.register(dbSession, {
      knex: knexFactory({ ...knex.client.config, pool: { min: 0, max: POOL } }),
      acquireTimeoutMs: ACQUIRE_TIMEOUT_MS,
      closePools: true,
    })
    app.get('/', { config: { db: { mode: 'read' } } }, async ({ db }) => {
      await db.raw('SELECT pg_sleep(0.1)')
      const [begin, query] = db.timeline
      // BEGIN's duration is the wait for its connection: it is sent with the query.
      return { waitedMs: begin?.durationMs ?? 0, workedMs: query?.durationMs ?? 0 }
    })
    return app
  }

  return {
    async one() {
      starting ??= start()
      const app = await starting
      const asked = performance.now()
      const response = await app.inject('/')
      const { waitedMs = performance.now() - asked, workedMs = 0 } = response.json<Partial<Turn>>()
      return { status: response.statusCode, waitedMs, workedMs }
    },
    async close() {
      await (await starting)?.close()
    },
  }
}
