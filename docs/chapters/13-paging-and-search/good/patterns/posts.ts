import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { selectWithVotes } from '../../../12-votes/solution/votes.ts'

const Query = Type.Object({
  limit: Type.String({ pattern: '^([1-9][0-9]?|100)$', default: '10' }),
  skip: Type.String({ pattern: '^[0-9]{1,9}$', default: '0' }),
  search: Type.String({ maxLength: 300, pattern: '^[^\\0]*$', default: '' }),
})
const Posts = Type.Array(
  Type.Object({ id: Type.Integer(), title: Type.String(), votes: Type.Integer({ minimum: 0 }) }),
)

export const posts: FastifyPluginAsyncTypebox = async (app) => {
  app.addHook('onRequest', app.authenticate)

  app.setSchemaErrorFormatter(([error], part) =>
    unprocessable(`${part}${error?.instancePath} ${error?.message}`),
  )

  app.get('/posts', { schema: { querystring: Query, response: { 200: Posts } } }, async (request) => {
    const { limit, skip, search } = request.query
    return selectWithVotes(app.callerId(request), request.db)
      .whereRaw('strpos(title, ?) > 0', [search])
      .orderBy('posts.id')
      .limit(Number(limit))
      .offset(Number(skip))
  })
}

const unprocessable = (message: string) => Object.assign(new Error(message), { statusCode: 422 })
