import Fastify from 'fastify'

const { LOG_LEVEL = 'info' } = process.env

const app = Fastify({ logger: { level: LOG_LEVEL } })

app.get('/', async (request) => {
  request.log.debug('saying hello')
  return { message: `Hello from process ${process.pid}` }
})

// The mistake: the port is in the code, so PORT has no effect, and two of these servers cannot run.
await app.listen({ host: '127.0.0.1', port: 3001 })
