import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { selectWithVotes } from '../../../12-votes/solution/votes.ts'

const Query = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 10 }),
  skip: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, default: 0 }),
  // Postgres cannot store NUL in a text.
  search: Type.String({ maxLength: 300, pattern: '^[^\\0]*$', default: '' }),
})
const Posts = Type.Array(
  Type.Object({ id: Type.Integer(), title: Type.String(), votes: Type.Integer({ minimum: 0 }) }),
)

export const posts: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.setErrorHandler(
    async (error: Error & { validation?: unknown; statusCode?: number }, _request, reply) => {
      if (!error.validation && !(error instanceof RangeError)) throw error
      return reply.code(422).send({ detail: error.message })
    },
  )

  app.addHook('preValidation', async ({ query }) => {
    const { limit = '10', skip = '0' } = query as Record<string, unknown>
    for (const value of [limit, skip])
      if (typeof value !== 'string' || !/^\d+$/.test(value)) throw new RangeError('Expected digits')
  })

  app.get('/posts', { schema: { querystring: Query, response: { 200: Posts } } }, async (request) => {
    const { limit, skip, search } = request.query
    return selectWithVotes(app.callerId(request), request.db)
      .whereRaw('position(? in title) > 0', [search])
      .orderBy('posts.id')
      .limit(limit)
      .offset(skip)
  })
}
