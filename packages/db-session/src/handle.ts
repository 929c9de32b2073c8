import type { FastifyInstance, FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify'
import { translate } from './errors.ts'
import type { ExchangeOf } from './exchange.ts'
import type { Work } from './options.ts'
import { readHead, resetReply } from './reply.ts'
import type { Sessions } from './sessions.ts'

/** A handler that is run again where Postgres asks for it, and whose errors of Postgres have a status. */
export function handle(handler: RouteHandlerMethod, exchangeOf: ExchangeOf, work: Work, sessions: Sessions) {
  return function (this: FastifyInstance, request: FastifyRequest, reply: FastifyReply): unknown {
    const exchange = exchangeOf(request)
    if (exchange === null) return handler.call(this, request, reply)
    const head = readHead(reply)
    exchange.head = head
    let attempt = 1

    const run = (): unknown => {
      try {
        const result: unknown = handler.call(this, request, reply)
        return isThenable(result) ? result.then(undefined, failed) : result
      } catch (error) {
        return failed(error)
      }
    }
    const failed = (error: unknown): unknown => {
      // a time-out, say, has answered for the handler: Fastify would write a second head over the first
      if (exchange.state === 'deciding') {
        request.log.error({ err: error }, 'the handler failed after an answer was given for it')
        return new Promise(() => {})
      }
      const cause = exchange.run?.session.root.failed ?? error
      if (mayRunAgain(cause)) return again(cause)
      throw translate(error) ?? error
    }
    const mayRunAgain = (cause: unknown): boolean =>
      exchange.mayLeaveReplica(cause) || (attempt <= work.retry && exchange.mayRetry(cause))
    const again = async (cause: unknown): Promise<unknown> => {
      const isFirstOnPrimary = exchange.mayLeaveReplica(cause)
      await exchange.again()
      if (!isFirstOnPrimary) await sessions.backOff(attempt++)
      resetReply(reply, head)
      return run()
    }

    // the commit comes after the handler: from there the answer is sent anew, as Fastify does it
    exchange.retry = (cause) => {
      if (!mayRunAgain(cause)) return false
      again(cause)
        .then((payload) => {
          if (payload !== undefined) reply.send(payload)
        })
        .catch((error) => {
          reply.send(
            error instanceof Error
              ? error
              : new Error('The handler threw what is no Error', { cause: error }),
          )
        })
      return true
    }
    return run()
  }
}

function isThenable(value: unknown): value is Promise<unknown> {
  return typeof (value as Promise<unknown> | undefined)?.then === 'function'
}
