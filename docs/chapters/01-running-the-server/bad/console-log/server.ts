import Fastify from 'fastify'

const { LOG_LEVEL = 'info', PORT = '3000' } = process.env

const app = Fastify({ logger: { level: LOG_LEVEL } })

app.get('/', async () => {
  // The mistake: this line has no level and no request ID, and nothing can turn it off.
  console.log('saying hello')
  return { message: 'Hello World' }
})

await app.listen({ host: '127.0.0.1', port: Number(PORT) })
