import Fastify from 'fastify'

const app = Fastify({
  logger: true,
  // #region trust
  // The mistake: every address counts as a proxy, so Fastify uses the first one in the list, which the client made up.
  trustProxy: true,
  // #endregion
  requestIdHeader: 'x-request-id',
})

app.get('/', async (request) => ({ client: request.ip, id: request.id, process: process.pid }))

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3001) })
