import cors from '@fastify/cors'
import Fastify, { type FastifyInstance } from 'fastify'

/** Builds an API of posts for web pages of these origins. Rejects `*`, because it recognizes users by a cookie. */
export async function build(corsOrigins: readonly string[]): Promise<FastifyInstance> {
  const app = Fastify()

  if (corsOrigins.includes('*'))
    throw new Error('Expected a list of origins: with cookies, `*` would allow every page')
  const whole = (origin: string) => new RegExp(`^${origin.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`)
  await app.register(cors, {
    origin: corsOrigins.map(whole),
    credentials: true,
    methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: ['Content-Type', 'Authorization'],
  })

  app.get('/posts', async () => [{ id: 1, title: 'Tomatoes in June' }])
  app.post('/posts', async (request, reply) => reply.code(201).send(request.body))
  app.delete('/posts/:id', async (_request, reply) => reply.code(204).send())
  return app
}
