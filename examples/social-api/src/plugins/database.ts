import { dbSession } from '@auth-primer/db-session'
import type { FastifyBaseLogger } from 'fastify'
import fp from 'fastify-plugin'
import knexFactory, { type Knex } from 'knex'

export interface DatabaseOptions {
  databaseUrl: string
  poolMax: number
  /** `role`: timeouts of statements are left to the database's role, for a proxy that `SET LOCAL` confuses. @default transaction */
  limits?: 'transaction' | 'role'
}

/** `app.knex`, the pool of connections, and `request.db`, the session that a request has on one of them. */
export default fp<DatabaseOptions>(async (app, { databaseUrl, poolMax, limits }) => {
  const knex = createKnex(databaseUrl, poolMax, app.log)
  app.decorate('knex', knex)
  // It also ends the pool, once the requests in flight are done.
  await app.register(dbSession, {
    knex,
    ...(limits === 'role' && { statementTimeoutMs: 0, idleTimeoutMs: 0 }),
  })
})

/** A pool that opens its connections when they are needed. What knex would print goes to the log, if there is one. */
export function createKnex(databaseUrl: string, poolMax: number, log?: FastifyBaseLogger): Knex {
  return knexFactory({
    client: 'pg',
    connection: {
      connectionString: databaseUrl,
      application_name: 'social-api',
      connectionTimeoutMillis: 5_000,
    },
    pool: { min: 0, max: poolMax },
    acquireConnectionTimeout: 6_000,
    log: {
      debug: (message) => log?.debug(message),
      warn: (message) => log?.warn(message),
      // An error, too, is for whoever ran the query; they say what it meant.
      error: (message) => log?.debug(message),
      deprecate: (method, alternative) => log?.warn(`knex: ${method} is deprecated, use ${alternative}`),
    },
  })
}

declare module 'fastify' {
  interface FastifyInstance {
    knex: Knex
  }
}
