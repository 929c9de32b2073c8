/**
 * Protects each request from the half-finished writes of others: one database session per request, which is committed before
 * the response is sent, and rolled back if the response is an error.
 */
import { dbSession } from '@auth-primer/db-session'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import knexFactory, { type Knex } from 'knex'

export interface DatabaseConfig {
  readonly databaseUrl: string
  /** The most connections of this process. */
  readonly poolMax: number
  /** `role`: the database's role has the timeouts, and transactions set none; some proxies need that. @default transaction */
  readonly dbLimits?: 'transaction' | 'role'
}

/** Decorates `app.knex`, the pool, and `request.db`, the session of a request on one of its connections. */
export async function registerDatabase(app: FastifyInstance, config: DatabaseConfig) {
  const { databaseUrl, poolMax, dbLimits } = config
  const knex = createKnex(databaseUrl, poolMax, app.log)
  app.decorate('knex', knex)
  await app.register(dbSession, {
    knex,
    closePools: true,
    ...(dbLimits === 'role' && { statementTimeoutMs: 0, idleTimeoutMs: 0 }),
  })
}

/** Creates a pool that opens connections when they are needed. knex's own messages go to the log, if there is one. */
export function createKnex(connectionString: string, poolMax: number, log?: FastifyBaseLogger): Knex {
  return knexFactory({
    client: 'pg',
    connection: { connectionString, application_name: 'social-api', connectionTimeoutMillis: 5_000 },
    pool: { min: 0, max: poolMax },
    acquireConnectionTimeout: 6_000,
    log: {
      debug: (message) => log?.debug(message),
      warn: (message) => log?.warn(message),
      // The caller of the query gets the error and logs what it means.
      error: (message) => log?.debug(message),
      deprecate: (method, alternative) => log?.warn(`knex: ${method} is deprecated, use ${alternative}`),
    },
  })
}

declare module 'fastify' {
  interface FastifyInstance {
    readonly knex: Knex
  }
}
