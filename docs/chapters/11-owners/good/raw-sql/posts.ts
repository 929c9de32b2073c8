import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'

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
    const { rows } = await request.db.query(
      'SELECT * FROM posts WHERE id = $1 AND (published OR owner_id = $2)',
      [id, app.callerId(request)],
    )
    if (rows.length === 0) return reply.code(404).send({ detail: `No post has the id ${id}` })
    return rows[0]
  })

  app.put('/posts/:id', { schema: { params: PostId, body: PostIn } }, async (request, reply) => {
    const { id } = request.params
    const { title, content, published } = request.body
    const caller = app.callerId(request)
    const edit = await request.db.query(
      'UPDATE posts SET title = $3, content = $4, published = $5 WHERE id = $1 AND owner_id = $2 RETURNING *',
      [id, caller, title, content, published],
    )
    if (edit.rowCount === 1) return edit.rows[0]
    const { rowCount } = await request.db.query(
      'SELECT FROM posts WHERE id = $1 AND (published OR owner_id = $2)',
      [id, caller],
    )
    return rowCount === 0
      ? reply.code(404).send({ detail: `No post has the id ${id}` })
      : reply.code(403).send({ detail: 'Only its owner may change a post' })
  })
}
