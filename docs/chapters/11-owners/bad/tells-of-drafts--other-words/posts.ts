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
    const [post] = await request
      .db('posts')
      .where({ id, owner_id: caller })
      .update({ title, content, published })
      .returning('*')
    if (post) return post

    const seen = await visibleTo(caller, request.db).where({ id }).first()
    // The mistake: the words reveal what the status hides.
    const exists = await request.db('posts').where({ id }).first()
    if (exists && !seen) return reply.code(404).send({ detail: 'You may not see this post' })
    return seen
      ? reply.code(403).send({ detail: 'Only its owner may change a post' })
      : reply.code(404).send({ detail: `No post has the id ${id}` })
  })
}

/** Selects the posts that this user may see: every published one, and their own drafts. */
function visibleTo(caller: number, db: Knex): Knex.QueryBuilder {
  return db('posts').where((post) => post.where({ published: true }).orWhere({ owner_id: caller }))
}
