import cors from '@fastify/cors'
import Fastify, { type FastifyInstance } from 'fastify'

async function posts(app: FastifyInstance): Promise<void> {
  app.get('/posts', async () => [{ id: 1, title: 'Tomatoes in June' }])
  app.post('/posts', async (request, reply) => reply.code(201).send(request.body))
  app.delete('/posts/:id', async (_request, reply) => reply.code(204).send())
}

/** Builds an API of posts for web pages of these origins. Rejects `*`, because it recognizes users by a cookie. */
export async function build(corsOrigins: readonly string[]): Promise<FastifyInstance> {
  const app = Fastify()

  if (corsOrigins.includes('*'))
    throw new Error('Expected a list of origins: with cookies, `*` would allow every page')
  await app.register(async (app) => {
    await app.register(cors, { origin: [...new Set(corsOrigins)], credentials: true, methods: ['DELETE'] })
    app.register(posts)
  })

  return app
}
