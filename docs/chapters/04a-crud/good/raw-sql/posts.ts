import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { PostsOptions } from '../../app.ts'

/** The body of a POST and a PUT. */
const PostIn = Type.Object(
  {
    title: Type.String({ minLength: 1 }),
    content: Type.String(),
    published: Type.Boolean({ default: true }),
  },
  { additionalProperties: false },
)

/** The path of one post. A Postgres `integer` ends at 2147483647. */
const PostPath = Type.Object({ id: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }) })

/** With SQL by hand. A `?` stands for a value. */
export const posts: FastifyPluginAsyncTypebox<PostsOptions> = async (app, { ownerId }) => {
  app.get('/', async ({ db }) => (await db.raw('SELECT * FROM posts ORDER BY id')).rows)

  app.post('/', { schema: { body: PostIn } }, async ({ body: { title, content, published }, db }, reply) => {
    const { rows } = await db.raw(
      'INSERT INTO posts (title, content, published, owner_id) VALUES (?, ?, ?, ?) RETURNING *',
      [title, content, published, ownerId],
    )
    return reply.code(201).send(rows[0])
  })

  app.get('/:id', { schema: { params: PostPath } }, async ({ params, db }, reply) => {
    const { rows } = await db.raw('SELECT * FROM posts WHERE id = ?', [params.id])
    return rows[0] ?? reply.code(404).send({ detail: 'There is no such post' })
  })

  app.put('/:id', { schema: { params: PostPath, body: PostIn } }, async ({ params, body, db }, reply) => {
    const { rows } = await db.raw(
      'UPDATE posts SET title = ?, content = ?, published = ? WHERE id = ? RETURNING *',
      [body.title, body.content, body.published, params.id],
    )
    return rows[0] ?? reply.code(404).send({ detail: 'There is no such post' })
  })

  app.delete('/:id', { schema: { params: PostPath } }, async ({ params, db }, reply) => {
    const { rowCount } = await db.raw('DELETE FROM posts WHERE id = ?', [params.id])
    return reply.code(rowCount === 0 ? 404 : 204).send()
  })
}
