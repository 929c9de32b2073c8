import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify'
import { translate } from './errors.ts'
import type { Exchange, ExchangeOf } from './exchange.ts'
import type { Work } from './options.ts'
import { readHead, resetReply } from './reply.ts'
import type { Sessions } from './sessions.ts'

/** A handler that is run again where Postgres asks for it, and whose errors of Postgres have a status. */
export function handle(handler: RouteHandlerMethod, exchangeOf: ExchangeOf, work: Work, sessions: Sessions) {
  return function (this: FastifyInstance, request: FastifyRequest, reply: FastifyReply): unknown {
    const exchange = exchangeOf(request)
    if (exchange === null) return handler.call(this, request, reply)
    exchange.head = readHead(reply)
    const attempts = new Attempts(() => handler.call(this, request, reply), exchange, reply, work, sessions)
    exchange.attempts = attempts
    return attempts.run()
  }
}

/** The runs of one request's handler. */
class Attempts {
  readonly #handler: () => unknown
  readonly #exchange: Exchange
  readonly #reply: FastifyReply
  readonly #work: Work
  readonly #sessions: Sessions
  #count = 1

  constructor(
    handler: () => unknown,
    exchange: Exchange,
    reply: FastifyReply,
    work: Work,
    sessions: Sessions,
  ) {
    this.#handler = handler
    this.#exchange = exchange
    this.#reply = reply
    this.#work = work
    this.#sessions = sessions
  }

  run(): unknown {
    try {
      const result: unknown = this.#handler()
      return isThenable(result) ? result.then(undefined, (error) => this.#failed(error)) : result
    } catch (error) {
      return this.#failed(error)
    }
  }

  /**
   * Runs the handler again, if that may be, and says whether it may. The commit comes after the handler: from there
   * the answer is sent anew, as Fastify does it.
   */
  retry(cause: unknown): boolean {
    if (!this.#mayRunAgain(cause)) return false
    this.#again(cause)
      .then((payload) => {
        if (payload !== undefined) this.#reply.send(payload)
      })
      .catch((error) => {
        this.#reply.send(
          error instanceof Error ? error : new Error('The handler threw what is no Error', { cause: error }),
        )
      })
    return true
  }

  #failed(error: unknown): unknown {
    // a time-out, say, has answered for the handler: Fastify would write a second head over the first
    if (this.#exchange.state === 'deciding') {
      this.#reply.log.error({ err: error }, 'the handler failed after an answer was given for it')
      return new Promise(() => {})
    }
    const cause = this.#exchange.run?.session.root.failed ?? error
    if (this.#mayRunAgain(cause)) return this.#again(cause)
    throw translate(error) ?? error
  }

  #mayRunAgain(cause: unknown): boolean {
    const exchange = this.#exchange
    return exchange.mayLeaveReplica(cause) || (this.#count <= this.#work.retry && exchange.mayRetry(cause))
  }

  async #again(cause: unknown): Promise<unknown> {
    const exchange = this.#exchange
    const isFirstOnPrimary = exchange.mayLeaveReplica(cause)
    await exchange.again()
    if (!isFirstOnPrimary) await this.#sessions.backOff(this.#count++)
    if (exchange.head) resetReply(this.#reply, exchange.head)
    return this.run()
  }
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof (value as Promise<unknown> | undefined)?.then === 'function'
}
