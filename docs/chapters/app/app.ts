// The app around the routes of a chapter. Chapters 09 and later start from it: each passes its own plugins to `buildApp`.
import { dbSession } from '@auth-primer/db-session'
import type { FastifyPluginAsyncTypebox, TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import knexModule from 'knex'
import { addCaller } from './caller.ts'

export interface AppOptions {
  readonly databaseUrl: string
  /** Signs and verifies the access tokens. Every process of the service has the same one. */
  readonly secret: string
  /** How many connections the pool opens at most. @default 10 */
  readonly maxConnections?: number
}

// #region app
/** Builds the app. Each request has a database session, `request.db`. */
export async function buildApp(
  { databaseUrl, secret, maxConnections = 10 }: AppOptions,
  ...routes: readonly FastifyPluginAsyncTypebox[]
) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const knex = knexModule({ client: 'pg', connection: databaseUrl, pool: { min: 0, max: maxConnections } })
  await app.register(dbSession, { knex, closePools: true })
  addCaller(app, secret)
  for (const plugin of routes) await app.register(plugin)
  return app
}
// #endregion
