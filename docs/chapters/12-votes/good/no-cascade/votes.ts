import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { visibleTo } from '../../../11-owners/solution/posts.ts'

const VoteIn = Type.Object({ post_id: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }) })
const Posts = Type.Array(
  Type.Object({ id: Type.Integer(), title: Type.String(), votes: Type.Integer({ minimum: 0 }) }),
)

export const votes: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.post('/vote', { schema: { body: VoteIn } }, async (request, reply) => {
    const { post_id } = request.body
    const caller = app.callerId(request)
    const post = await visibleTo(caller, request.db).where({ id: post_id }).forKeyShare().first('id')
    if (!post) return reply.code(404).send({ detail: `No post has the id ${post_id}` })

    const added = await request
      .db('votes')
      .insert({ user_id: caller, post_id })
      .onConflict()
      .ignore()
      .returning('post_id')
    return added.length
      ? reply.code(201).send({ message: 'ok' })
      : reply.code(409).send({ detail: 'already voted' })
  })

  app.get('/posts', { schema: { response: { 200: Posts } } }, async (request) =>
    visibleTo(app.callerId(request), request.db)
      .select('id', 'title')
      .select(request.db.raw('(select count(*)::int from votes where post_id = posts.id) as votes'))
      .orderBy('id'),
  )
}
