import Fastify from 'fastify'

const { PORT = '3000' } = process.env

const app = Fastify()

// Your turn: add a logger that takes its level from LOG_LEVEL, and a route `GET /` that logs a line at debug.

await app.listen({ host: '127.0.0.1', port: Number(PORT) })
