import Fastify from 'fastify'

const app = Fastify({
  logger: true,
  // From the end of the list, the first address that is not a proxy's is the client's.
  trustProxy: ['127.0.0.1', '::1'],
  requestIdHeader: 'x-request-id',
})

app.get('/', async (request) => ({ client: request.ip, id: request.id, process: process.pid }))

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3001) })
