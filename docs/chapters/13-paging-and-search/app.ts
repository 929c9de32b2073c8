import { dbSession } from '@auth-primer/db-session'
import Fastify, { type FastifyInstance, type FastifyPluginAsync } from 'fastify'
import knexModule from 'knex'

/** Builds the app around the chapter's route. Each request has a database session in `request.db`. */
export async function buildApp(databaseUrl: string, routes: FastifyPluginAsync): Promise<FastifyInstance> {
  const app = Fastify()
  const knex = knexModule({ client: 'pg', connection: databaseUrl })
  await app.register(dbSession, { knex, closePools: true })
  await app.register(routes)
  return app
}
