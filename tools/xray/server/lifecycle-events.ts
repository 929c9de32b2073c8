import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { channels, current } from './channels.ts'
import { describeError, describeResponse, type Thrown } from './failure.ts'
import { findResponseSchema, listOmittedNames } from './omitted-names.ts'
import { PathRedactor } from './redact-path.ts'
import { SamplingLimiter } from './sampling-limiter.ts'

const PARTS = ['params', 'querystring', 'body'] as const
const ONE_REQUEST = Object.freeze({ requests: 1 })

let count = 0

/**
 * Publishes on diagnostics channels how far each request has come. With no subscriber, each hook only compares a number.
 *
 * Register it before other plugins, so that requests that their hooks reject are traced as well.
 */
export function publishLifecycle(app: FastifyInstance, safeDetails: readonly string[]): void {
  const safe = new Set(safeDetails)
  const paths = new PathRedactor()
  const limiter = new SamplingLimiter()

  app.decorateRequest('traceId', 0)

  app.addHook('onRoute', (route) => {
    paths.addRoute(route)
    // The first of a route's own hooks: those before them are the same for all routes.
    if (route.onRequest)
      route.onRequest = [publishAdmitted, route.onRequest].flat() as NonNullable<RouteOptions['onRequest']>
  })

  app.addHook('onRequest', (request, reply, done) => {
    if (!channels.receive.hasSubscribers || request.routeOptions.config.xray === 'hidden') return done()
    if (!limiter.take(performance.now())) {
      channels.skip.publish(ONE_REQUEST)
      return done()
    }
    request.traceId = publishReceived(request, reply, paths.redact(request))
    // The page finds the trace of its own request by this header.
    if (!reply.hasHeader('x-request-id')) reply.header('x-request-id', request.id)
    current.run(request.traceId, done)
  })

  app.addHook('preValidation', ({ traceId }, _reply, done) => {
    if (traceId > 0) channels.read.publish({ request: traceId })
    done()
  })

  app.addHook('preHandler', ({ traceId, routeOptions }, _reply, done) => {
    if (traceId === 0) return done()
    const schema = routeOptions.schema ?? {}
    const parts = PARTS.filter((part) => part in schema)
    channels.validate.publish({ request: traceId, parts })
    done()
  })

  app.addHook('onError', ({ traceId }, _reply, error, done) => {
    if (traceId > 0) channels.fail.publish({ request: traceId, failure: describeError(error as Thrown) })
    done()
  })

  app.addHook('preSerialization', (request, { statusCode: status }, payload, done) => {
    const { traceId } = request
    if (traceId > 0) {
      const problem = describeResponse(payload, request, safe)
      const omitted = problem ? [] : listOmittedNames(payload, findResponseSchema(request, status))
      channels.serialize.publish({ request: traceId, status, problem, omitted })
    }
    done(null, payload)
  })

  app.addHook('onSend', ({ traceId }, { statusCode: status }, payload, done) => {
    if (traceId > 0) channels.send.publish({ request: traceId, status })
    done(null, payload)
  })
}

/** Starts the trace of a request, and returns its number. */
function publishReceived(
  { id: requestId, method, routeOptions }: FastifyRequest,
  reply: FastifyReply,
  path: string,
): number {
  const id = ++count
  // Swagger UI and other pages hide their own routes from the API's documentation.
  const isPage = routeOptions.schema?.hide === true && routeOptions.config.xray !== 'shown'
  channels.receive.publish({ request: id, requestId, method, path, isPage })
  reply.raw.once('close', () => {
    channels.end.publish({ request: id, status: reply.statusCode, isSent: reply.raw.writableFinished })
  })
  return id
}

function publishAdmitted({ traceId }: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  if (traceId > 0) channels.admit.publish({ request: traceId })
  done()
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The number of its trace, or 0 if it is not traced. */
    traceId: number
  }
  interface FastifyContextConfig {
    /** `'hidden'`: not in X-ray's timeline. */
    xray?: 'hidden' | 'shown'
  }
}
