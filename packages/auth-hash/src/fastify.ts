import fastifyPlugin from 'fastify-plugin'
import { createHasher } from './create-hasher.ts'
import { AuthHashError, OverloadedError } from './errors.ts'
import type { Hasher } from './hasher.ts'
import type { HasherOptions } from './options.ts'
import { selfTest } from './self-test.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly hasher: Hasher
  }
}

/**
 * Decorates the app with `app.hasher`, once bcrypt has passed its self-test. What it throws carries the HTTP status:
 * 503 with `Retry-After` when it is overloaded, 400 for a password that cannot be hashed.
 *
 * The options are those of {@link createHasher}.
 */
export default fastifyPlugin<HasherOptions>(
  async (app, options) => {
    await selfTest()
    app.decorate('hasher', forHttp(createHasher(options)))
  },
  { name: '@auth-primer/auth-hash', fastify: '5.x' },
)

function forHttp(hasher: Hasher): Hasher {
  return Object.freeze({
    hash: (...args: Parameters<Hasher['hash']>) => hasher.hash(...args).catch(throwForHttp),
    verify: (...args: Parameters<Hasher['verify']>) => hasher.verify(...args).catch(throwForHttp),
    reserve: (...args: Parameters<Hasher['reserve']>) => {
      try {
        return hasher.reserve(...args)
      } catch (error) {
        throwForHttp(error)
      }
    },
    get stats() {
      return hasher.stats
    },
  })
}

/** `statusCode` and `headers` are what Fastify's own error handler reads. */
function throwForHttp(error: unknown): never {
  if (error instanceof OverloadedError) {
    Object.assign(error, { statusCode: 503, headers: { 'retry-after': String(error.retryAfter) } })
  } else if (error instanceof AuthHashError && error.code.startsWith('AUTH_HASH_PASSWORD_')) {
    Object.assign(error, { statusCode: 400 })
  }
  throw error
}
