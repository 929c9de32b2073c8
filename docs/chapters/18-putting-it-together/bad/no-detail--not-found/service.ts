import { createHasher } from '@auth-primer/auth-hash'
import cors from '@fastify/cors'
import type { FastifyError } from 'fastify'
import fp from 'fastify-plugin'
import { buildApp, login, postList, posts, readSettings, users, vote } from '../../parts/index.ts'

/** One shape for every error: `detail`. The client never sees the reason of a 5xx; the log has it. */
const errors = fp(async (app) => {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const { statusCode = 500, message } = error
    if (statusCode >= 500) request.log.error(error)
    const detail = statusCode >= 500 ? 'Something went wrong on the server' : message
    return reply.code(statusCode).send({ detail })
  })
  // The mistake: an unknown route does not cause an error, and has a separate handler.
})

/** Builds the service from environment variables, and rejects if they are invalid. */
export async function buildService(env: NodeJS.ProcessEnv) {
  const { databaseUrl, jwtSecret } = readSettings(env)
  const origin = env.CORS_ORIGINS?.split(',') ?? []
  const hasher = createHasher()

  return buildApp(
    { databaseUrl, secret: jwtSecret },
    errors,
    fp(async (app) => app.register(cors, { origin, methods: ['GET', 'POST', 'PUT'] })),
    users,
    async (app) => app.register(login, { hasher }),
    posts,
    postList,
    vote,
  )
}
