import Fastify from 'fastify'

const app = Fastify({
  logger: true,
  // Whoever connects from this address is nginx: what it says of the client counts, what anybody else says does not.
  trustProxy: '127.0.0.1',
  // The mistake: nobody reads nginx's id. Each process counts its own: there are two of every `req-1`.
})

app.get('/', async (request) => ({ client: request.ip, id: request.id, process: process.pid }))

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3001) })
