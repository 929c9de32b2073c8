// #region first
import Fastify from 'fastify'

const app = Fastify({ logger: true })

app.get('/', async () => ({ message: 'Hello World' }))

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
// #endregion
