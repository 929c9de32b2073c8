import Fastify, { type FastifyInstance } from 'fastify'

/** The posts, for web pages of these origins. Who is asking is known by a cookie, so `*` is refused. */
export async function build(corsOrigins: readonly string[]): Promise<FastifyInstance> {
  const app = Fastify()

  // Yours to write: register @fastify/cors, before the routes.
  app.log.info({ corsOrigins }, 'nobody asks for these yet')

  app.get('/posts', async () => [{ id: 1, title: 'Tomatoes in June' }])
  app.post('/posts', async (request, reply) => reply.code(201).send(request.body))
  app.delete('/posts/:id', async (_request, reply) => reply.code(204).send())
  return app
}
