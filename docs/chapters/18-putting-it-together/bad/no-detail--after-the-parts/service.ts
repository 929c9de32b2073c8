import { createHasher } from '@auth-primer/auth-hash'
import cors from '@fastify/cors'
import type { FastifyError } from 'fastify'
import fp from 'fastify-plugin'
import { buildApp, login, postList, posts, readSettings, users, vote } from '../../parts/index.ts'

/** Sets the handlers on the app that buildApp returns. The mistake: the routes have Fastify's own by then. */
export async function buildService(env: NodeJS.ProcessEnv) {
  const settings = readSettings(env)
  const app = await buildApp(
    { databaseUrl: settings.databaseUrl, secret: settings.jwtSecret },
    fp(async (app) => {
      await app.register(cors, {
        origin: (env.CORS_ORIGINS ?? '').split(',').filter(Boolean),
        methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
        credentials: true,
      })
    }),
    users,
    async (app) => {
      await app.register(login, { hasher: createHasher({ cost: 10 }) })
    },
    posts,
    postList,
    vote,
  )
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500
    reply.status(status).send({ detail: status < 500 ? error.message : 'Internal Server Error' })
  })
  app.setNotFoundHandler((_request, reply) => reply.status(404).send({ detail: 'Not Found' }))
  return app
}
