import Fastify from 'fastify'

const { LOG_LEVEL, PORT = '3000' } = process.env

// The mistake: debug is the default, so a server that nobody configured logs everything.
const app = Fastify({ logger: { level: LOG_LEVEL ?? 'debug' } })

app.get('/', async (request) => {
  request.log.debug('saying hello')
  return { message: `Hello from process ${process.pid}` }
})

await app.listen({ host: '127.0.0.1', port: Number(PORT) })
