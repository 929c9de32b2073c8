import Fastify from 'fastify'

const { LOG_LEVEL = 'info', PORT = '3000' } = process.env

const app = Fastify({ logger: { level: LOG_LEVEL } })

app.get('/', async (request) => {
  request.log.debug('saying hello')
  return { message: `Hello from process ${process.pid}` }
})

await app.listen({ host: '127.0.0.1', port: Number(PORT) })
