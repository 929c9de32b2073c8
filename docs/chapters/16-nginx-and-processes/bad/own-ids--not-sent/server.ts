import Fastify from 'fastify'

const app = Fastify({
  logger: true,
  // Only nginx connects from this address. Forwarded headers from any other address are ignored.
  trustProxy: '127.0.0.1',
  requestIdHeader: 'x-request-id',
})

app.get('/', async (request) => ({ client: request.ip, id: request.id, process: process.pid }))

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3001) })
