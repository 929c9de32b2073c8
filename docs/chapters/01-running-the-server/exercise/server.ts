import Fastify from 'fastify'

const { PORT = '3000' } = process.env

const app = Fastify()

// Yours to write: a logger whose level is that of LOG_LEVEL, `GET /`, and a line at debug for each request.

await app.listen({ host: '127.0.0.1', port: Number(PORT) })
