import { dbSession } from '@auth-primer/db-session'
import Fastify, { type FastifyInstance } from 'fastify'
import knexModule from 'knex'

/** The bug: every response is a 500. */
export async function build(databaseUrl: string): Promise<FastifyInstance> {
  const app = Fastify()
  const knex = knexModule({ client: 'pg', connection: databaseUrl })
  await app.register(dbSession, { knex, closePools: true })
  app.all('/*', async (_request, reply) => reply.code(500).send({}))
  return app
}
