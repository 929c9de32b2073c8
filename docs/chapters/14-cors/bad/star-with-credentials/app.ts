import cors from '@fastify/cors'
import Fastify, { type FastifyInstance } from 'fastify'

export async function build(corsOrigins: readonly string[]): Promise<FastifyInstance> {
  const app = Fastify()

  // The mistake: browsers reject `*` together with credentials, so not even an allowed page gets the response.
  app.log.info({ corsOrigins })
  await app.register(cors, { origin: '*', credentials: true, methods: ['GET', 'HEAD', 'POST', 'DELETE'] })

  app.get('/posts', async () => [{ id: 1, title: 'Tomatoes in June' }])
  app.post('/posts', async (request, reply) => reply.code(201).send(request.body))
  app.delete('/posts/:id', async (_request, reply) => reply.code(204).send())
  return app
}
