import { createHasher } from '@auth-primer/auth-hash'
import { dbSession } from '@auth-primer/db-session'
import cors from '@fastify/cors'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import Fastify, { type FastifyError } from 'fastify'
import knexModule from 'knex'
import { addCaller } from '../../../app/caller.ts'
import { login, postList, posts, readSettings, users, vote } from '../../parts/index.ts'

/** Without buildApp: the same steps by hand. */
export async function buildService(env: NodeJS.ProcessEnv) {
  const { databaseUrl, jwtSecret } = readSettings(env)
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const isServerError = (error.statusCode ?? 500) >= 500
    if (isServerError) request.log.error(error)
    return reply
      .code(error.statusCode ?? 500)
      .send({ detail: isServerError ? 'The server failed' : error.message })
  })
  app.setNotFoundHandler(async (request, reply) =>
    reply.code(404).send({ detail: `No route ${request.url}` }),
  )

  const knex = knexModule({ client: 'pg', connection: databaseUrl })
  await app.register(dbSession, { knex, closePools: true })
  await app.register(cors, {
    origin: (env.CORS_ORIGINS ?? '').split(',').filter((origin) => origin !== ''),
    methods: ['GET', 'POST', 'PUT'],
  })
  addCaller(app, jwtSecret)
  await app.register(users)
  await app.register(login, { hasher: createHasher() })
  await app.register(posts)
  await app.register(postList)
  await app.register(vote)
  return app
}
