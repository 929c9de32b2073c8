import Fastify from 'fastify'

// Your task: which proxy to trust, and where the request's id comes from.
const app = Fastify({ logger: true })

app.get('/', async (request) => ({ client: request.ip, id: request.id, process: process.pid }))

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3001) })
