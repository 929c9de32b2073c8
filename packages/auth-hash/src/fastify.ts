import fastifyPlugin from 'fastify-plugin'
import { createHasher } from './create-hasher.ts'
import type { Hasher } from './hasher.ts'
import type { HasherOptions } from './options.ts'
import { selfTest } from './self-test.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly hasher: Hasher
  }
}

/**
 * Decorates the app with `app.hasher` after a self-test. The options are those of {@link createHasher}.
 *
 * Fastify responds with the `statusCode` and `headers` of the errors: 503 with `Retry-After` for overload, 400 for a
 * password that cannot be hashed.
 */
export default fastifyPlugin<HasherOptions>(
  async (app, options) => {
    await selfTest()
    app.decorate('hasher', createHasher(options))
  },
  { name: '@auth-primer/auth-hash', fastify: '4.x || 5.x' },
)
