import Fastify from 'fastify'

const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace']
const { LOG_LEVEL = 'info', PORT = '3000' } = process.env
if (!LEVELS.includes(LOG_LEVEL)) throw new Error(`Expected LOG_LEVEL to be one of ${LEVELS.join(', ')}`)

// Three lines a request are enough: the two of Fastify are switched off, and these hooks replace them.
const app = Fastify({ logger: { level: LOG_LEVEL }, disableRequestLogging: true })

app.addHook('onResponse', async (request, reply) => {
  request.log.info({ url: request.url, status: reply.statusCode }, 'request completed')
})

app.addHook('onRequest', async (request) => {
  request.log.debug('request started')
})

app.get('/', async () => ({ message: 'Hello World' }))

await app.listen({ host: '127.0.0.1', port: Number(PORT) })
