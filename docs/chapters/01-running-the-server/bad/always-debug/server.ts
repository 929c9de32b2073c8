import Fastify from 'fastify'

const { PORT = '3000' } = process.env

// The mistake: the level is written down, and so it is that of production, too.
const app = Fastify({ logger: { level: 'debug' } })

app.get('/', async (request) => {
  request.log.debug('somebody says hello')
  return { message: `Hello from process ${process.pid}` }
})

await app.listen({ host: '127.0.0.1', port: Number(PORT) })
