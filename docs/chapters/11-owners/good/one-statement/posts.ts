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
    // Both parts see the table as it was before the statement, except for a row that the UPDATE had to wait for.
    const { rows } = await request.db.raw(
      `WITH edited AS (
         UPDATE posts SET title = :title, content = :content, published = :published
         WHERE id = :id AND owner_id = :caller RETURNING *
       )
       SELECT to_json(edited) AS edited
       FROM posts LEFT JOIN edited USING (id)
       WHERE posts.id = :id AND (posts.published OR posts.owner_id = :caller)`,
      { id, caller, title, content, published },
    )
    const [found] = rows
    if (!found) return reply.code(404).send({ detail: `No post has the id ${id}` })
    if (!found.edited) return reply.code(403).send({ detail: 'Only its owner may change a post' })
    return found.edited
  })
}

/** Selects the posts that this user may see: every published one, and their own drafts. */
function visibleTo(caller: number, db: Knex): Knex.QueryBuilder {
  return db('posts').where((post) => post.where({ published: true }).orWhere({ owner_id: caller }))
}
