import Fastify from 'fastify'

const app = Fastify({
  logger: true,
  // #region trust
  // The mistake: everybody is a proxy, so the first address in the list is taken, which is the client's own invention.
  trustProxy: true,
  // #endregion
  requestIdHeader: 'x-request-id',
})

app.get('/', async (request) => ({ client: request.ip, id: request.id, process: process.pid }))

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3001) })
