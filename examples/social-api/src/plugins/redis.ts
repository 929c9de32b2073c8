import fp from 'fastify-plugin'
import type { Redis } from 'ioredis'

export interface RedisOptions {
  /** Unset: there is none. */
  redisUrl?: string | undefined
}

/**
 * `app.redis`, quick or not at all: a command that is not answered at once fails, and whoever sent it goes on without.
 *
 * One line is logged when Redis is gone, and one when it is back.
 */
export default fp<RedisOptions>(async (app, { redisUrl }) => {
  app.decorate('redis', redisUrl === undefined ? undefined : await connect(redisUrl))

  async function connect(url: string): Promise<Redis> {
    // Only now: it takes 10 MB.
    const { Redis } = await import('ioredis')
    const redis = new Redis(url, {
      connectionName: 'social-api',
      connectTimeout: 1_000,
      // A silent one is given up with the first command, and not asked again before it has been reached anew.
      commandTimeout: 500,
      socketTimeout: 500,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: (times) => Math.min(times * 100, 2_000),
      reconnectOnError(error) {
        // A script that Redis does not have yet is sent to it; any other error means that it cannot be used.
        if (!error.message.startsWith('NOSCRIPT')) onGone(error)
        // What it says where another has become the primary.
        return error.message.startsWith('READONLY')
      },
    })

    let isGone = false
    let isClosing = false
    let lastError: Error | undefined
    redis.on('error', (error: Error) => {
      lastError = error
    })
    redis.on('close', () => onGone(lastError))
    redis.on('ready', () => {
      lastError = undefined
      if (!isGone) return
      isGone = false
      app.log.info('Redis is back')
    })

    // Its message alone: an error of ioredis carries the command's arguments, the password among them.
    function onGone(error?: Error): void {
      if (isGone || isClosing) return
      isGone = true
      app.log.warn(
        { reason: error?.message ?? 'the connection ended' },
        'Redis cannot be used: until it is back, this process counts by itself',
      )
    }

    app.addHook('onClose', async () => {
      isClosing = true
      redis.disconnect()
    })
    await new Promise<void>((resolve) => {
      redis.once('ready', resolve).once('close', resolve)
    })
    return redis
  }
})

declare module 'fastify' {
  interface FastifyInstance {
    redis: Redis | undefined
  }
}
