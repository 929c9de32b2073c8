import { dbSession, type ReplicaCondition } from '@auth-primer/db-session'
import type { FastifyBaseLogger } from 'fastify'
import fp from 'fastify-plugin'
import knexFactory, { type Knex } from 'knex'

export interface DatabaseOptions {
  databaseUrl: string
  /** A streaming replica, for sessions of mode `read`. It needs Redis. @default none */
  databaseReadUrl?: string | undefined
  poolMax: number
}

/** `app.knex`, the pool of connections, and `request.db`, the session that a request has on one of them. */
export default fp<DatabaseOptions>(async (app, { databaseUrl, databaseReadUrl, poolMax }) => {
  const knex = createKnex(databaseUrl, poolMax, app.log)
  app.decorate('knex', knex)
  app.decorate('hasReplica', databaseReadUrl !== undefined && app.redis !== undefined)
  app.decorateRequest('replicaMustHave', undefined)
  if (databaseReadUrl !== undefined && !app.hasReplica)
    app.log.warn('DATABASE_READ_URL is set, REDIS_URL is not: reads stay on the primary until it is')
  // It also ends the pools, once the requests in flight are done.
  await app.register(dbSession, {
    knex,
    ...(databaseReadUrl !== undefined &&
      app.hasReplica && {
        replica: createKnex(databaseReadUrl, poolMax, app.log),
        replicaFor: (request) => request?.replicaMustHave,
      }),
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
    readonly hasReplica: boolean
  }
  interface FastifyRequest {
    /** What is true on a replica that has all this request may ask for. Unset: the primary serves it. */
    replicaMustHave: ReplicaCondition | undefined
  }
}
