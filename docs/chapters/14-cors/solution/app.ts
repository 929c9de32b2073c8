import cors from '@fastify/cors'
import Fastify, { type FastifyInstance } from 'fastify'

/** The posts, for web pages of these origins. Who is asking is known by a cookie, so `*` is refused. */
export async function build(corsOrigins: readonly string[]): Promise<FastifyInstance> {
  const app = Fastify()

  // #region cors
  if (corsOrigins.includes('*')) throw new Error('Expected origins: with cookies, `*` would let in everybody')
  await app.register(cors, {
    origin: [...corsOrigins],
    credentials: true,
    methods: ['GET', 'HEAD', 'POST', 'DELETE'],
    maxAge: 600,
  })
  // #endregion

  app.get('/posts', async () => [{ id: 1, title: 'Tomatoes in June' }])
  app.post('/posts', async (request, reply) => reply.code(201).send(request.body))
  app.delete('/posts/:id', async (_request, reply) => reply.code(204).send())
  return app
}
