import { createHasher } from '@auth-primer/auth-hash'
import cors from '@fastify/cors'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyError } from 'fastify'
import fp from 'fastify-plugin'
import { buildApp, login, postList, posts, readSettings, users, vote } from '../../parts/index.ts'

/** The whole service as one plugin. */
function service(corsOrigins: string[]): FastifyPluginAsyncTypebox {
  return fp(async (app) => {
    app.setErrorHandler<FastifyError>(async (error, request, reply) => {
      reply.code(error.statusCode ?? 500)
      if (reply.statusCode < 500) return { detail: error.message }
      request.log.error(error)
      return { detail: 'Please try again later' }
    })
    app.setNotFoundHandler(async (_request, reply) => {
      reply.code(404)
      return { detail: 'No such route' }
    })
    await app.register(cors, { origin: corsOrigins, methods: 'GET,POST,PUT' })
    await app.register(login, { hasher: createHasher() })
    for (const part of [users, posts, postList, vote]) await app.register(part)
  })
}

export async function buildService(env: NodeJS.ProcessEnv) {
  const { databaseUrl: url, jwtSecret } = readSettings(env)
  return buildApp({ databaseUrl: url, secret: jwtSecret }, service(env.CORS_ORIGINS?.split(',') ?? []))
}
