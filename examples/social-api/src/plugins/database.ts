import { dbSession } from '@auth-primer/db-session'
import fp from 'fastify-plugin'
import knexFactory, { type Knex } from 'knex'

export interface DatabaseOptions {
  databaseUrl: string
  poolMax: number
}

/** `app.knex`, the pool of connections, and `request.db`, the session that a request has on one of them. */
export default fp<DatabaseOptions>(async (app, { databaseUrl, poolMax }) => {
  const knex = createKnex(databaseUrl, poolMax)
  app.decorate('knex', knex)
  app.addHook('onClose', () => knex.destroy())
  await app.register(dbSession, { knex })
})

export function createKnex(databaseUrl: string, poolMax: number): Knex {
  return knexFactory({
    client: 'pg',
    connection: { connectionString: databaseUrl, application_name: 'social-api' },
    pool: { min: 0, max: poolMax },
  })
}

declare module 'fastify' {
  interface FastifyInstance {
    knex: Knex
  }
}
