import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { PostsOptions } from '../app.ts'

/** The body of a POST and a PUT. */
export const PostIn = Type.Object(
  {
    title: Type.String({ minLength: 1 }),
    content: Type.String(),
    published: Type.Boolean({ default: true }),
  },
  { additionalProperties: false },
)

/** The path of one post. A Postgres `integer` ends at 2147483647. */
export const PostPath = Type.Object({ id: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }) })

const COLUMNS = ['id', 'title', 'content', 'published', 'created_at']

export const posts: FastifyPluginAsyncTypebox<PostsOptions> = async (app, { ownerId }) => {
  app.get('/', async ({ db }) => db('posts').select(COLUMNS).orderBy('id'))

  app.post('/', { schema: { body: PostIn } }, async ({ body }, reply) => {
    // Your turn: insert the post with this owner, and return it with status 201.
    return reply
      .code(501)
      .send({ detail: `Storing “${body.title}” for user ${ownerId} is not implemented yet.` })
  })

  // Your turn: GET /posts/:id, PUT /posts/:id and DELETE /posts/:id.
}
