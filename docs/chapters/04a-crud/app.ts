import { dbSession } from '@auth-primer/db-session'
import type { FastifyPluginAsyncTypebox, TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify from 'fastify'
import knexModule from 'knex'

/** The options of the posts plugin. */
export interface PostsOptions {
  /** The owner of every new post, until there is a login. */
  readonly ownerId: number
}

// #region app
/** Builds the app around the posts. Each request has a database session, `request.db`. */
export async function buildApp(databaseUrl: string, posts: FastifyPluginAsyncTypebox<PostsOptions>) {
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  const knex = knexModule({ client: 'pg', connection: databaseUrl })
  await app.register(dbSession, { knex, closePools: true })
  await app.register(posts, { prefix: '/posts', ownerId: 1 })
  return app
}
// #endregion
