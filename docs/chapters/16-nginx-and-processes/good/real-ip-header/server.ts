import Fastify from 'fastify'

const app = Fastify({
  logger: true,
  requestIdHeader: 'x-request-id',
})

app.get('/', async (request) => ({
  client: request.headers['x-real-ip'],
  id: request.id,
  process: process.pid,
}))

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3001) })
