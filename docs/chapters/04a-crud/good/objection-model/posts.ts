import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { Model } from 'objection'
import type { PostsOptions } from '../../app.ts'

class Post extends Model {
  static override tableName = 'posts'

  declare id: number
  declare title: string
  declare content: string
  declare published: boolean
  declare owner_id: number
  declare created_at: Date
}

const PostIn = Type.Object(
  {
    title: Type.String({ minLength: 1 }),
    content: Type.String(),
    published: Type.Boolean({ default: true }),
  },
  { additionalProperties: false },
)
const PostPath = Type.Object({ id: Type.Integer({ minimum: 1, maximum: 2_147_483_647 }) })

/** Through a model, as in chapter 02. */
export const posts: FastifyPluginAsyncTypebox<PostsOptions> = async (app, { ownerId }) => {
  app.get('/', ({ db }) => Post.query(db).orderBy('id'))

  app.post('/', { schema: { body: PostIn } }, async ({ body, db }, reply) => {
    const post = await Post.query(db)
      .insert({ ...body, owner_id: ownerId })
      .returning('*')
    return reply.code(201).send(post)
  })

  app.get('/:id', { schema: { params: PostPath } }, async ({ params, db }, reply) => {
    const post = await Post.query(db).findById(params.id)
    if (post === undefined) return reply.code(404).send({ detail: 'Not found' })
    return post
  })

  app.put('/:id', { schema: { params: PostPath, body: PostIn } }, async ({ params, body, db }, reply) => {
    const post = await Post.query(db).patchAndFetchById(params.id, body)
    if (post === undefined) return reply.code(404).send({ detail: 'Not found' })
    return post
  })

  app.delete('/:id', { schema: { params: PostPath } }, async ({ params, db }, reply) => {
    const count = await Post.query(db).deleteById(params.id)
    return count === 1 ? reply.code(204).send() : reply.code(404).send({ detail: 'Not found' })
  })
}
