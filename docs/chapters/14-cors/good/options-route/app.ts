import Fastify, { type FastifyInstance } from 'fastify'

/** Builds an API of posts for web pages of these origins. Rejects `*`, because it recognizes users by a cookie. */
export async function build(corsOrigins: readonly string[]): Promise<FastifyInstance> {
  const app = Fastify()

  if (corsOrigins.includes('*'))
    throw new Error('Expected a list of origins: with cookies, `*` would allow every page')
  const allowed = new Set(corsOrigins)
  app.addHook('onSend', async ({ headers: { origin = '' } }, reply) => {
    reply.header('Vary', 'Origin')
    if (allowed.has(origin))
      reply.headers({
        'Access-Control-Allow-Origin': origin,
        'Access-Control-Allow-Credentials': 'true',
      })
  })
  app.options('*', async (_request, reply) =>
    reply
      .header('Access-Control-Allow-Methods', 'GET,POST,DELETE')
      .header('Access-Control-Allow-Headers', 'Authorization,Content-Type')
      .code(200)
      .send(''),
  )

  app.get('/posts', async () => [{ id: 1, title: 'Tomatoes in June' }])
  app.post('/posts', async (request, reply) => reply.code(201).send(request.body))
  app.delete('/posts/:id', async (_request, reply) => reply.code(204).send())
  return app
}
