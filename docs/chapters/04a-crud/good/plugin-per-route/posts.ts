import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { PostsOptions } from '../../app.ts'

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

/** One plugin per route, in separate files. */
export const posts: FastifyPluginAsyncTypebox<PostsOptions> = async (app, { ownerId }) => {
  const { createPost, deletePost, listPosts, readPost, updatePost } = await import('./routes.ts')
  await app.register(listPosts)
  await app.register(createPost, { ownerId })
  await app.register(readPost)
  await app.register(updatePost)
  await app.register(deletePost)
}
