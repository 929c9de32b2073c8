import Fastify from 'fastify'

const { PORT = '3000' } = process.env

// The mistake: `true` creates a logger with the level info and ignores LOG_LEVEL.
const app = Fastify({ logger: true })

app.get('/', async (request) => {
  request.log.debug('saying hello')
  return { message: `Hello from process ${process.pid}` }
})

await app.listen({ host: '127.0.0.1', port: Number(PORT) })
