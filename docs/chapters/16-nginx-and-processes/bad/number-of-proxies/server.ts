import Fastify from 'fastify'

const app = Fastify({
  logger: true,
  // The mistake: with a number, Fastify trusts nobody. Its types reject a number, too.
  trustProxy: 1 as unknown as boolean,
  requestIdHeader: 'x-request-id',
})

app.get('/', async (request) => ({ client: request.ip, id: request.id, process: process.pid }))

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3001) })
