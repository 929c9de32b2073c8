import { dbSession } from '@auth-primer/db-session'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { type Static, Type } from '@sinclair/typebox'
import Fastify, { type FastifyInstance } from 'fastify'
import knexModule from 'knex'

const User = Type.Object({ user: Type.Integer() })
const Id = Type.Object({ id: Type.Integer() })
const PostIn = Type.Object({ title: Type.String(), published: Type.Boolean({ default: true }) })

type Post = Static<typeof PostIn> & { id: number; owner_id: number }

/** Builds an API of posts. The header `user` names the caller, which keeps the tests short. No real service may do that. */
export async function build(databaseUrl: string): Promise<FastifyInstance> {
  const knex = knexModule({ client: 'pg', connection: databaseUrl, pool: { min: 0, max: 4 } })
  const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()
  await app.register(dbSession, { knex, closePools: true })

  app.get('/posts', async (request) => request.db<Post>('posts').where({ published: true }).orderBy('id'))

  app.post('/posts', { schema: { headers: User, body: PostIn } }, async (request, reply) => {
    const row = { ...request.body, owner_id: request.headers.user }
    const [post] = await request.db<Post>('posts').insert(row).returning('*')
    return reply.code(201).send(post)
  })

  app.put('/posts/:id', { schema: { headers: User, params: Id, body: PostIn } }, async (request, reply) => {
    const post = await request.db<Post>('posts').where(request.params).first()
    if (!post) return reply.code(404).send()
    if (post.owner_id !== request.headers.user) return reply.code(403).send()
    await request.db<Post>('posts').where(request.params).update(request.body)
    return { ...post, ...request.body }
  })

  app.delete('/posts/:id', { schema: { headers: User, params: Id } }, async (request, reply) => {
    const post = await request.db<Post>('posts').where(request.params).first()
    if (!post) return reply.code(404).send()
    if (post.owner_id !== request.headers.user) return reply.code(403).send()
    await request.db<Post>('posts').where(request.params).delete()
    return reply.code(204).send()
  })

  return app
}
