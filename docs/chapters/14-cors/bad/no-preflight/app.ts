import Fastify, { type FastifyInstance } from 'fastify'

/** Builds an API of posts for web pages of these origins. Rejects `*`, because it recognizes users by a cookie. */
export async function build(corsOrigins: readonly string[]): Promise<FastifyInstance> {
  const app = Fastify()

  if (corsOrigins.includes('*'))
    throw new Error('Expected a list of origins: with cookies, `*` would allow every page')
  // The mistake: nobody replies to OPTIONS, so a browser never sends a DELETE.
  app.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers
    reply.header('vary', 'Origin')
    if (origin !== undefined && corsOrigins.includes(origin)) {
      reply.header('access-control-allow-origin', origin)
      reply.header('access-control-allow-credentials', 'true')
    }
  })

  app.get('/posts', async () => [{ id: 1, title: 'Tomatoes in June' }])
  app.post('/posts', async (request, reply) => reply.code(201).send(request.body))
  app.delete('/posts/:id', async (_request, reply) => reply.code(204).send())
  return app
}
