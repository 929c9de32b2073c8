import Fastify, { type FastifyInstance } from 'fastify'

/** Builds an API of posts for web pages of these origins. Rejects `*`, because it recognizes users by a cookie. */
export async function build(corsOrigins: readonly string[]): Promise<FastifyInstance> {
  const app = Fastify()

  if (corsOrigins.includes('*'))
    throw new Error('Expected a list of origins: with cookies, `*` would allow every page')
  // The mistake: the header takes one origin, not a list.
  app.addHook('onRequest', async (request, reply) => {
    reply.header('access-control-allow-origin', corsOrigins.join(', '))
    reply.header('access-control-allow-credentials', 'true')
    reply.header('access-control-allow-methods', 'GET, POST, DELETE')
    reply.header('access-control-allow-headers', 'content-type')
    if (request.method === 'OPTIONS') return reply.code(204).send()
  })

  app.get('/posts', async () => [{ id: 1, title: 'Tomatoes in June' }])
  app.post('/posts', async (request, reply) => reply.code(201).send(request.body))
  app.delete('/posts/:id', async (_request, reply) => reply.code(204).send())
  return app
}
