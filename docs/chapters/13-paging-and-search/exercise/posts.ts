import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { selectWithVotes } from '../../12-votes/solution/votes.ts'

const Query = Type.Object({
  limit: Type.Integer({ default: 10 }),
  skip: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, default: 0 }),
  // Postgres cannot store NUL in a text.
  search: Type.String({ maxLength: 300, pattern: '^[^\\0]*$', default: '' }),
})
const Posts = Type.Array(
  Type.Object({ id: Type.Integer(), title: Type.String(), votes: Type.Integer({ minimum: 0 }) }),
)

// Your task: bounds, numbers of digits only, a search that takes each character literally, and an order.
export const posts: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.get('/posts', { schema: { querystring: Query, response: { 200: Posts } } }, async (request) => {
    const { limit, skip, search } = request.query
    return selectWithVotes(app.callerId(request), request.db)
      .whereLike('title', `%${search}%`)
      .limit(limit)
      .offset(skip)
  })
}
