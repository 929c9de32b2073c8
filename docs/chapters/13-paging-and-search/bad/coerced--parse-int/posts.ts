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

  app.setSchemaErrorFormatter(([error], part) =>
    unprocessable(`${part}${error?.instancePath} ${error?.message}`),
  )

  app.addHook<{ Querystring: Record<string, unknown> }>('preValidation', async ({ query }) => {
    // The mistake: `parseInt` stops at the first character that is not a digit, without an error.
    for (const name of ['limit', 'skip'])
      if (name in query) query[name] = Number.parseInt(String(query[name]), 10)
  })

  app.get('/posts', { schema: { querystring: Query, response: { 200: Posts } } }, async (request) => {
    const { limit, skip, search } = request.query
    return selectWithVotes(app.callerId(request), request.db)
      .whereRaw('strpos(title, ?) > 0', [search])
      .orderBy('posts.id')
      .limit(limit)
      .offset(skip)
  })
}

const unprocessable = (message: string) => Object.assign(new Error(message), { statusCode: 422 })
