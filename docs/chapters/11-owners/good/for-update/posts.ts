import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { Knex } from 'knex'

const PostId = Type.Object({ id: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }) })
const PostIn = Type.Object({
  title: Type.String({ minLength: 1 }),
  content: Type.String({ minLength: 1 }),
  published: Type.Boolean({ default: true }),
})

export const posts: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.post('/posts', { schema: { body: PostIn } }, async (request, reply) => {
    const { title, content, published } = request.body
    const row = { title, content, published, owner_id: app.callerId(request) }
    const [post] = await request.db('posts').insert(row).returning('*')
    return reply.code(201).send(post)
  })

  app.get('/posts/:id', { schema: { params: PostId } }, async (request, reply) => {
    const { id } = request.params
    const post = await visibleTo(app.callerId(request), request.db).where({ id }).first()
    return post ?? reply.code(404).send({ detail: `No post has the id ${id}` })
  })

  app.put('/posts/:id', { schema: { params: PostId, body: PostIn } }, async (request, reply) => {
    const { id } = request.params
    const { title, content, published } = request.body
    const caller = app.callerId(request)
    // Waits until nobody else changes the post, and keeps others from it until this request ends.
    const post = await visibleTo(caller, request.db).where({ id }).forUpdate().first()
    if (!post) return reply.code(404).send({ detail: `No post has the id ${id}` })
    if (post.owner_id !== caller) return reply.code(403).send({ detail: 'Not yours' })
    const [edited] = await request
      .db('posts')
      .where({ id })
      .update({ title, content, published })
      .returning('*')
    return edited
  })
}

/** Selects the posts that this user may see: every published one, and their own drafts. */
function visibleTo(caller: number, db: Knex): Knex.QueryBuilder {
  return db('posts').where((post) => post.where({ published: true }).orWhere({ owner_id: caller }))
}
