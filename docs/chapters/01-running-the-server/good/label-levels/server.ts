import Fastify from 'fastify'

const { PORT = '3000', LOG_LEVEL = 'info' } = process.env

// The log says `"level":"info"` instead of 30.
const app = Fastify({
  logger: { level: LOG_LEVEL, formatters: { level: (label) => ({ level: label }) } },
})

app.get('/', async (request) => {
  request.log.debug('saying hello')
  return { message: `Hello from process ${process.pid}` }
})

await app.listen({ host: '127.0.0.1', port: Number(PORT) })
