import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { Knex } from 'knex'
import { Model } from 'objection'

const PostId = Type.Object({ id: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }) })
const PostIn = Type.Object({
  title: Type.String({ minLength: 1 }),
  content: Type.String({ minLength: 1 }),
  published: Type.Boolean({ default: true }),
})

class Post extends Model {
  static override tableName = 'posts'

  declare id: number
  declare title: string
  declare content: string
  declare published: boolean
  declare owner_id: number

  static visibleTo(caller: number, db: Knex) {
    return Post.query(db).where((post) => post.where('published', true).orWhere('owner_id', caller))
  }
}

export const posts: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.post('/posts', { schema: { body: PostIn } }, async (request, reply) => {
    const { title, content, published } = request.body
    const row = { title, content, published, owner_id: app.callerId(request) }
    const post = await Post.query(request.db).insert(row).returning('*')
    return reply.code(201).send(post)
  })

  app.get('/posts/:id', { schema: { params: PostId } }, async (request, reply) => {
    const { id } = request.params
    const post = await Post.visibleTo(app.callerId(request), request.db).findById(id)
    return post ?? reply.code(404).send({ detail: `No post has the id ${id}` })
  })

  app.put('/posts/:id', { schema: { params: PostId, body: PostIn } }, async (request, reply) => {
    const { id } = request.params
    const { title, content, published } = request.body
    const owner_id = app.callerId(request)
    const [post] = await Post.query(request.db)
      .where({ id, owner_id })
      .patch({ title, content, published })
      .returning('*')
    if (post) return post
    const isSeen = await Post.visibleTo(owner_id, request.db).findById(id)
    return reply.code(isSeen ? 403 : 404).send({ detail: isSeen ? 'Not yours' : `No post has the id ${id}` })
  })
}
