import { dbSession } from '@auth-primer/db-session'
import Fastify, { type FastifyInstance } from 'fastify'
import knexModule from 'knex'

/** The bug: nothing is right. */
export async function build(databaseUrl: string): Promise<FastifyInstance> {
  const app = Fastify()
  await app.register(dbSession, { knex: knexModule({ client: 'pg', connection: databaseUrl }) })
  app.all('/*', async (_request, reply) => reply.code(500).send({}))
  return app
}
