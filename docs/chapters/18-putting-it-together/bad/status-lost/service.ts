import { createHasher } from '@auth-primer/auth-hash'
import cors from '@fastify/cors'
import type { FastifyError } from 'fastify'
import fp from 'fastify-plugin'
import { buildApp, login, postList, posts, readSettings, users, vote } from '../../parts/index.ts'

/** One shape for every error: `detail`. The client never sees the reason of a 5xx; the log has it. */
const errors = fp(async (app) => {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    // The mistake: a client cannot distinguish its own mistakes from the server's.
    request.log.error(error)
    return reply.code(500).send({ detail: 'Something went wrong on the server' })
  })
  app.setNotFoundHandler(({ method, url }, reply) =>
    reply.code(404).send({ detail: `There is no ${method} ${url}` }),
  )
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
