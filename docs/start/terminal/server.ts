// #region server
import { Type } from '@sinclair/typebox'
import Fastify from 'fastify'

const app = Fastify()
const titles = ['Tomatoes']

app.get('/posts', async () => titles)

app.post('/posts', { schema: { body: Type.Object({ title: Type.String() }) } }, async (request, reply) => {
  const { title } = request.body as { title: string }
  titles.push(title)
  return reply.code(201).send({ title })
})

console.log(await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) }))
// #endregion
