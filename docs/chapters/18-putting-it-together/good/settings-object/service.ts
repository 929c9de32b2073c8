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
  app.setNotFoundHandler(({ method, url }, reply) =>
    reply.code(404).send({ detail: `There is no ${method} ${url}` }),
  )
})

/** Reads the origins, and rejects anything that is not an origin. */
function readOrigins({ CORS_ORIGINS = '' }: NodeJS.ProcessEnv): string[] {
  const origins = CORS_ORIGINS.split(',').map((text) => text.trim())
  if (CORS_ORIGINS === '') return []
  if (origins.every((text) => URL.canParse(text) && new URL(text).origin === text)) return origins
  throw new Error('Invalid: CORS_ORIGINS')
}

/** Builds the service from environment variables, and rejects if they are invalid. */
export async function buildService(env: NodeJS.ProcessEnv) {
  const settings = { ...readSettings(env), corsOrigins: readOrigins(env) }
  const hasher = createHasher()

  return buildApp(
    { databaseUrl: settings.databaseUrl, secret: settings.jwtSecret, maxConnections: 5 },
    errors,
    fp(async (app) => app.register(cors, { origin: settings.corsOrigins, methods: ['GET', 'POST', 'PUT'] })),
    users,
    async (app) => app.register(login, { hasher }),
    posts,
    postList,
    vote,
  )
}
