import Fastify from 'fastify'

// #region server
const app = Fastify({ logger: true })

app.get('/', async (request) => ({ client: request.ip, id: request.id, process: process.pid }))

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3001) })
// #endregion
