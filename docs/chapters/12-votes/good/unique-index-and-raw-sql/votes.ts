import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { visibleTo } from '../../../11-owners/solution/posts.ts'

const VoteIn = Type.Object({ post_id: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1 }) })
const Posts = Type.Array(
  Type.Object({ id: Type.Integer(), title: Type.String(), votes: Type.Integer({ minimum: 0 }) }),
)

const LIST = `
  SELECT posts.id, posts.title, count(votes.user_id) FILTER (WHERE votes.user_id IS NOT NULL)::int AS votes
  FROM posts LEFT JOIN votes ON votes.post_id = posts.id
  WHERE posts.published OR posts.owner_id = $1
  GROUP BY posts.id ORDER BY posts.id`

export const votes: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.post('/vote', { schema: { body: VoteIn } }, async (request, reply) => {
    const { post_id } = request.body
    const caller = app.callerId(request)
    const post = await visibleTo(caller, request.db).where({ id: post_id }).forKeyShare().first('id')
    if (!post) return reply.code(404).send({ detail: `No post has the id ${post_id}` })

    const { rowCount } = await request.db.query(
      'INSERT INTO votes (user_id, post_id) VALUES ($1, $2) ON CONFLICT DO NOTHING',
      [caller, post_id],
    )
    if (rowCount === 0) return reply.code(409).send({ detail: 'You have voted for this post already' })
    return reply.code(201).send({ message: 'successfully added vote' })
  })

  app.get(
    '/posts',
    { schema: { response: { 200: Posts } } },
    async (request) => (await request.db.query(LIST, [app.callerId(request)])).rows,
  )
}
