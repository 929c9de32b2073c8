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
  // The mistake: every property passes, and the INSERT takes it.
  { additionalProperties: true },
)

/** The path of one post. A Postgres `integer` ends at 2147483647. */
const PostPath = Type.Object({ id: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }) })

const COLUMNS = ['id', 'title', 'content', 'published', 'created_at']

export const posts: FastifyPluginAsyncTypebox<PostsOptions> = async (app, { ownerId }) => {
  app.get('/', async ({ db }) => db('posts').select(COLUMNS).orderBy('id'))

  app.post('/', { schema: { body: PostIn } }, async ({ body, db }, reply) => {
    const [post] = await db('posts')
      .insert({ owner_id: ownerId, ...body })
      .returning(COLUMNS)
    return reply.code(201).header('location', `/posts/${post.id}`).send(post)
  })

  app.get('/:id', { schema: { params: PostPath } }, async ({ params: { id }, db }, reply) => {
    const post = await db('posts').where({ id }).first(COLUMNS)
    return post ?? reply.code(404).send({ detail: `No post has the id ${id}` })
  })

  app.put('/:id', { schema: { params: PostPath, body: PostIn } }, async (request, reply) => {
    const { id } = request.params
    const [post] = await request.db('posts').where({ id }).update(request.body).returning(COLUMNS)
    return post ?? reply.code(404).send({ detail: `No post has the id ${id}` })
  })

  app.delete('/:id', { schema: { params: PostPath } }, async ({ params: { id }, db }, reply) => {
    const deleted = await db('posts').where({ id }).del()
    return deleted > 0 ? reply.code(204).send() : reply.code(404).send({ detail: `No post has the id ${id}` })
  })
}
