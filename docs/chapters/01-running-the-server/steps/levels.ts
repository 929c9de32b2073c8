import Fastify from 'fastify'

// #region levels
const { LOG_LEVEL = 'info' } = process.env
const app = Fastify({ logger: { level: LOG_LEVEL } })

app.get('/', async (request) => {
  request.log.debug('saying hello')
  return { message: 'Hello World' }
})

await app.inject('/')
// #endregion
