// #region app
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'

const app = Fastify().withTypeProvider<TypeBoxTypeProvider>()

app.get('/', async () => ({ message: 'Hello World' }))
// #endregion

// #region schema
const schema = {
  params: Type.Object({ id: Type.Integer() }),
  querystring: Type.Object({ upper: Type.Boolean({ default: false }) }),
  response: {
    200: Type.Object({ id: Type.Integer(), title: Type.String() }),
    404: Type.Object({ detail: Type.String() }),
  },
}

app.get('/posts/:id', { schema }, async (request, reply) => {
  const { id } = request.params
  if (id !== 7) return reply.code(404).send({ detail: `No post has the id ${id}` })

  const title = request.query.upper ? 'TOMATOES' : 'Tomatoes'
  return { id, title, secret: 'not in the schema' }
})
// #endregion

// #region inject
for (const url of ['/', '/posts/7', '/posts/7?upper=true', '/posts/8', '/posts/seven']) {
  const response = await app.inject(url)
  console.log(response.statusCode, response.body)
}
// #endregion
