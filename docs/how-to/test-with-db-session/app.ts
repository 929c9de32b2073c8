import { dbSession } from '@auth-primer/db-session'
import Fastify from 'fastify'
import type { Knex } from 'knex'

export async function buildApp(knex: Knex) {
  const app = Fastify()
  await app.register(dbSession, { knex })
  app.post<{ Body: { title: string } }>('/posts', async (request, reply) => {
    const [post] = await request.db('posts').insert({ title: request.body.title }).returning('*')
    return reply.code(201).send(post)
  })
  app.get('/posts', { config: { db: { mode: 'read' } } }, async (request) =>
    request.db('posts').orderBy('id'),
  )
  return app
}
