import Fastify from 'fastify'

const app = Fastify({
  logger: true,
  trustProxy: '127.0.0.1/32',
  requestIdHeader: 'x-correlation-id',
  requestIdLogLabel: 'requestId',
})

app.get('/', async (request) => ({ client: request.ip, id: request.id, process: process.pid }))

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3001) })
