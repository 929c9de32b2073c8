import Fastify from 'fastify'

/** The app in a separate file, which a test can import without opening a port. */
export function buildApp(level: string) {
  const app = Fastify({ logger: { level } })

  app.get('/', async ({ log }) => {
    log.debug('saying hello')
    return { message: 'Hello World' }
  })

  return app
}
