import type { Place } from '@auth-primer/auth-hash'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { Problem } from '../problem.ts'
import { problems } from '../schemas/problem.ts'
import { networkOfRequest } from '../throttle/address.ts'
import { type Counter, type CreateCounter, counters, msToWait } from '../throttle/counter.ts'
import { Guesses } from '../throttle/guesses.ts'

/** How much is let through. 0: no limit. */
export interface Throttles {
  /** Requests of one address in a minute. */
  readonly requestsPerMinute: number
  /** Sign-ups of one address in a minute. */
  readonly signUpsPerMinute: number
  /** Failed log-ins of one account; see `Guesses`. */
  readonly failedLoginsPerAccount: number
  /** Failed log-ins of one address; see `Guesses`. */
  readonly failedLoginsPerAddress: number
}

export interface ThrottleOptions {
  throttles: Throttles
  /** The time in milliseconds, of the counters in memory. @default Date.now */
  now?: () => number
}

/**
 * Too many requests are a 429 that says when to come back.
 *
 * Register it before all that answers in an `onRequest`, unknown paths among it: they are counted, too.
 */
export default fp<ThrottleOptions>(async (app, { throttles, now = Date.now }) => {
  const createCounter = counters(now)
  const requests = perMinute('requests', throttles.requestsPerMinute, createCounter)
  const signUps = perMinute('sign-ups', throttles.signUpsPerMinute, createCounter)
  const guesses = new Guesses(
    { perAccount: throttles.failedLoginsPerAccount, perAddress: throttles.failedLoginsPerAddress },
    createCounter,
  )

  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.throttle !== false) await countOne(requests, request)
  })
  app.addHook('onRoute', ({ config, schema }) => {
    if (config?.throttle !== false && schema?.response) {
      schema.response = { ...problems('TOO_MANY_REQUESTS'), ...schema.response }
    }
  })

  app.decorate('throttleSignUps', (request: FastifyRequest) => countOne(signUps, request))

  app.decorate('throttleGuesses', async (request, email, guess) => {
    const address = networkOfRequest(request)
    // Before anything is looked up, so that it is quick, and the same whoever is asked for.
    const place = app.hasher.reserve()
    try {
      const account = await lowerCase(email)
      return await guesses.attempt(account, address, () => guess(place), place.release)
    } finally {
      place.release()
    }
  })

  /** Which e-mails are the same only SQL says, so that no other way to write one has a count of its own. */
  async function lowerCase(email: string): Promise<string> {
    const { rows } = await app.knex.raw<{ rows: [{ lower: string }] }>('SELECT lower(?)', [email])
    return rows[0].lower
  }
})

function perMinute(name: string, points: number, createCounter: CreateCounter): Counter | undefined {
  return points === 0 ? undefined : createCounter(name, points, 60)
}

async function countOne(counter: Counter | undefined, request: FastifyRequest): Promise<void> {
  const ms = counter && (await msToWait(counter, networkOfRequest(request)))
  if (!ms) return
  throw new Problem('TOO_MANY_REQUESTS', 'Too much came from your address in a minute.', {
    headers: { 'retry-after': String(Math.ceil(ms / 1000)) },
  })
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `false`: requests of this route are not counted. */
    throttle?: false
  }
  interface FastifyInstance {
    /** The `onRequest` of signing up. */
    throttleSignUps(request: FastifyRequest): Promise<void>
    /**
     * Tries a password of the user with this e-mail, who may not exist. `guess` compares it in the place that is kept for
     * it in the hasher's queue, and answers with `undefined` where it is wrong, which is counted; what it throws is not.
     * Throws a 429 where there were too many wrong ones, and a 503 where the queue is full.
     */
    throttleGuesses<T>(
      request: FastifyRequest,
      email: string,
      guess: (place: Place) => Promise<T | undefined>,
    ): Promise<T | undefined>
  }
}
