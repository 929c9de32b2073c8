import cors from '@fastify/cors'
import Fastify, { type FastifyInstance } from 'fastify'

/** Builds an API of posts for web pages of these origins. Rejects `*`, because it recognizes users by a cookie. */
export async function build(corsOrigins: readonly string[]): Promise<FastifyInstance> {
  const app = Fastify()

  if (corsOrigins.includes('*'))
    throw new Error('Expected a list of origins: with cookies, `*` would allow every page')
  await app.register(cors, {
    // The mistake: in a pattern, `.` is any character, and nothing marks the end of the origin.
    origin: corsOrigins.map((origin) => new RegExp(`^${origin}`)),
    credentials: true,
    methods: ['GET', 'HEAD', 'POST', 'DELETE'],
  })

  app.get('/posts', async () => [{ id: 1, title: 'Tomatoes in June' }])
  app.post('/posts', async (request, reply) => reply.code(201).send(request.body))
  app.delete('/posts/:id', async (_request, reply) => reply.code(204).send())
  return app
}
