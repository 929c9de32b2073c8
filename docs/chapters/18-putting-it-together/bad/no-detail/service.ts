import { createHasher } from '@auth-primer/auth-hash'
import cors from '@fastify/cors'
import fp from 'fastify-plugin'
import { buildApp, login, postList, posts, readSettings, users, vote } from '../../parts/index.ts'

/** Builds the service from environment variables, and rejects if they are invalid. */
export async function buildService(env: NodeJS.ProcessEnv) {
  const { databaseUrl, jwtSecret } = readSettings(env)
  const origin = env.CORS_ORIGINS?.split(',') ?? []
  const hasher = createHasher()

  return buildApp(
    { databaseUrl, secret: jwtSecret },
    // The mistake: no error handler, so Fastify's own shape has no `detail`.
    fp(async (app) => app.register(cors, { origin, methods: ['GET', 'POST', 'PUT'] })),
    users,
    async (app) => app.register(login, { hasher }),
    posts,
    postList,
    vote,
  )
}
