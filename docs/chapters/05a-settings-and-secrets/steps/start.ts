import Fastify from 'fastify'
import { readSettings } from '../solution/settings.ts'

// #region start
try {
  const { port, logLevel } = readSettings(process.env)
  const app = Fastify({ logger: { level: logLevel } })
  app.get('/', async () => ({ message: 'Hello World' }))
  await app.ready()
  console.log(`The service starts on port ${port}.`)
  await app.close()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
// #endregion
