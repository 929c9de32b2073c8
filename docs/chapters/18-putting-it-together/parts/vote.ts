import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { visibleTo } from '../../11-owners/solution/posts.ts'

const VoteIn = Type.Object({ post_id: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }) })

/** The vote of chapter 12, without its list: the one of chapter 13 has the same path. */
export const vote: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.post('/vote', { schema: { body: VoteIn } }, async (request, reply) => {
    const { post_id } = request.body
    const caller = app.callerId(request)
    const post = await visibleTo(caller, request.db).where({ id: post_id }).forKeyShare().first('id')
    if (!post) return reply.code(404).send({ detail: `No post has the id ${post_id}` })

    const added = await request
      .db('votes')
      .insert({ user_id: caller, post_id })
      .onConflict(['user_id', 'post_id'])
      .ignore()
      .returning('post_id')
    return added.length === 1
      ? reply.code(201).send({ message: 'successfully added vote' })
      : reply.code(409).send({ detail: `You have voted for post ${post_id} already` })
  })
}
