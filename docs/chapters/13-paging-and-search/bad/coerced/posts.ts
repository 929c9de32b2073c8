import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'

const Query = Type.Object({
  // The mistake: Fastify converts the text to a number before it applies the schema.
  limit: Type.Integer({ minimum: 1, maximum: 100, default: 10 }),
  skip: Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1, default: 0 }),
  // Postgres cannot store NUL in a text.
  search: Type.String({ maxLength: 300, pattern: '^[^\\0]*$', default: '' }),
})
const Posts = Type.Array(Type.Object({ id: Type.Integer(), title: Type.String() }))

export const posts: FastifyPluginAsyncTypebox = async (app) => {
  app.setSchemaErrorFormatter(([error], part) =>
    unprocessable(`${part}${error?.instancePath} ${error?.message}`),
  )

  app.get('/posts', { schema: { querystring: Query, response: { 200: Posts } } }, async ({ db, query }) =>
    db('posts')
      .whereRaw('strpos(title, ?) > 0', [query.search])
      .orderBy('id')
      .limit(query.limit)
      .offset(query.skip),
  )
}

const unprocessable = (message: string) => Object.assign(new Error(message), { statusCode: 422 })
