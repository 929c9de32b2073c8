import Fastify from 'fastify'

const { PORT = '3000' } = process.env

// The mistake: `true` is a logger of the level info, whatever LOG_LEVEL says.
const app = Fastify({ logger: true })

app.get('/', async (request) => {
  request.log.debug('somebody says hello')
  return { message: `Hello from process ${process.pid}` }
})

await app.listen({ host: '127.0.0.1', port: Number(PORT) })
