import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { channels, current } from './channels.ts'
import { failureOf, failureOfAnswer, type Thrown } from './failure.ts'
import { Pace } from './pace.ts'
import { answerSchema, namesKeptBack, type Schema, ShownPaths } from './shown.ts'

/**
 * Tells on diagnostics channels how far a request has come, while somebody listens; otherwise each hook looks at one number.
 *
 * Register it first: what another plugin's hook refuses was received all the same.
 */
export function addStages(app: FastifyInstance, safeDetails: readonly string[]): void {
  const safe = new Set(safeDetails)
  const paths = new ShownPaths()
  const pace = new Pace()

  app.decorateRequest('watchedAs', 0)

  app.addHook('onRoute', (route) => {
    paths.add(route)
    // Of a route's own hooks the first: what is before them is the same for all routes.
    if (route.onRequest)
      route.onRequest = [tellAdmitted, route.onRequest].flat() as NonNullable<RouteOptions['onRequest']>
  })

  app.addHook('onRequest', (request, reply, done) => {
    if (!channels.receive.hasSubscribers || request.routeOptions.config.xray === 'hidden') return done()
    if (!pace.takes(performance.now())) {
      channels.skip.publish(ONE)
      return done()
    }
    request.watchedAs = tellReceived(request, reply, paths.of(request))
    current.run(request.watchedAs, done)
  })

  app.addHook('preValidation', ({ watchedAs }, _reply, done) => {
    if (watchedAs > 0) channels.read.publish({ request: watchedAs })
    done()
  })

  app.addHook('preHandler', ({ watchedAs, routeOptions }, _reply, done) => {
    if (watchedAs === 0) return done()
    const schema = routeOptions.schema ?? {}
    const parts = PARTS.filter((part) => part in schema)
    channels.validate.publish({ request: watchedAs, parts })
    done()
  })

  app.addHook('onError', ({ watchedAs }, _reply, error, done) => {
    if (watchedAs > 0) channels.fail.publish({ request: watchedAs, failure: failureOf(error as Thrown) })
    done()
  })

  app.addHook('preSerialization', (request, reply, payload, done) => {
    if (request.watchedAs > 0) tellSerialising(request, reply, payload, safe)
    done(null, payload)
  })

  app.addHook('onSend', ({ watchedAs }, { statusCode: status }, payload, done) => {
    if (watchedAs > 0) channels.send.publish({ request: watchedAs, status })
    done(null, payload)
  })
}

let count = 0

const ONE = Object.freeze({ requests: 1 })

/** @returns the number that the request is known by from now on */
function tellReceived({ id: requestId, method }: FastifyRequest, reply: FastifyReply, path: string): number {
  const id = ++count
  channels.receive.publish({ request: id, requestId, method, path })
  reply.raw.once('close', () => {
    channels.end.publish({ request: id, status: reply.statusCode, isSent: reply.raw.writableFinished })
  })
  return id
}

const PARTS = ['params', 'querystring', 'body'] as const

function tellAdmitted({ watchedAs }: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  if (watchedAs > 0) channels.admit.publish({ request: watchedAs })
  done()
}

function tellSerialising(
  request: FastifyRequest,
  { statusCode: status }: FastifyReply,
  payload: unknown,
  safeDetails: ReadonlySet<string>,
): void {
  const problem = failureOfAnswer(payload, request, safeDetails)
  const keptBack = problem ? [] : namesKeptBack(payload, answerSchema(request, status) as Schema)
  channels.serialise.publish({ request: request.watchedAs, status, problem, keptBack })
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Its number among those that X-ray watches. 0: it does not. */
    watchedAs: number
  }
  interface FastifyContextConfig {
    /** `'hidden'`: not in X-ray's timeline. */
    xray?: 'hidden' | 'shown'
  }
}
