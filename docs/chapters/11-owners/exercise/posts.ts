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

  // Your task: only the owner sees a draft.
  app.get('/posts/:id', { schema: { params: PostId } }, async (request, reply) => {
    const { id } = request.params
    const post = await request.db('posts').where({ id }).first()
    return post ?? reply.code(404).send({ detail: `No post has the id ${id}` })
  })

  // Your task: so far, everyone can edit every post.
  app.put('/posts/:id', { schema: { params: PostId, body: PostIn } }, async (request, reply) => {
    const { id } = request.params
    const { title, content, published } = request.body
    const [post] = await request
      .db('posts')
      .where({ id })
      .update({ title, content, published })
      .returning('*')
    return post ?? reply.code(404).send({ detail: `No post has the id ${id}` })
  })
}
