import Fastify from 'fastify'

const { PORT = '3000' } = process.env

// The mistake: without the option `logger`, `request.log` discards everything.
const app = Fastify()

app.get('/', async (request) => {
  request.log.debug('saying hello')
  return { message: `Hello from process ${process.pid}` }
})

await app.listen({ host: '127.0.0.1', port: Number(PORT) })
