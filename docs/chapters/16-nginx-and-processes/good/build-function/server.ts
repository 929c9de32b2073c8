import Fastify, { type FastifyInstance } from 'fastify'

export function build(): FastifyInstance {
  const app = Fastify({
    logger: { level: 'info' },
    // Every request comes from nginx, which discards what the client sent.
    trustProxy: true,
    requestIdHeader: 'X-Request-ID',
  })
  app.get('/', (request, reply) => {
    reply.send({ client: request.ip, id: request.id, process: process.pid })
  })
  return app
}

const { PORT = '3001' } = process.env
build().listen({ host: 'localhost', port: Number.parseInt(PORT, 10) }, (error) => {
  if (error) throw error
})
