import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { Knex } from 'knex'
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

    // The mistake: a second vote replaces the first one, and the client gets no error.
    await request.db('votes').insert({ user_id: caller, post_id }).onConflict(['user_id', 'post_id']).merge()
    return reply.code(201).send({ message: 'successfully added vote' })
  })

  app.get('/posts', { schema: { response: { 200: Posts } } }, async (request) =>
    selectWithVotes(app.callerId(request), request.db).orderBy('posts.id'),
  )
}

/** Selects the posts that this user may see, each with the number of its votes. */
function selectWithVotes(caller: number, db: Knex): Knex.QueryBuilder {
  return visibleTo(caller, db)
    .leftJoin('votes', 'votes.post_id', 'posts.id')
    .select('posts.id', 'posts.title', db.raw('count(votes.post_id)::int as votes'))
    .groupBy('posts.id')
}
