import Fastify from 'fastify'

// #region trust
const app = Fastify({
  logger: true,
  // Whoever connects from this address is nginx: what it says of the client counts, what anybody else says does not.
  trustProxy: '127.0.0.1',
  requestIdHeader: 'x-request-id',
})
// #endregion

app.get('/', async (request) => ({ client: request.ip, id: request.id, process: process.pid }))

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3001) })
