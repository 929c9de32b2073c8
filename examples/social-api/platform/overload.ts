/**
 * Protects the service from more work than it can do: requests are rejected with a 503 when the process cannot keep up, and
 * every response is sent by a deadline. Work for a client that has disconnected is aborted.
 */
import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import underPressure, { type FastifyUnderPressureOptions } from '@fastify/under-pressure'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Problem } from '../src/problem.ts'

export interface OverloadConfig {
  /** Overrides the limits, which otherwise depend on the machine. */
  readonly pressure?: FastifyUnderPressureOptions
  /** The longest time until a response is sent, in milliseconds. @default 30000 */
  readonly responseDeadlineMs?: number
}

/** The `config` of a route that responds even under pressure: a health check must not restart a process that is only busy. */
export const EXEMPT_FROM_PRESSURE = { pressureHandler: () => {} }

export async function registerOverload(app: FastifyInstance, config: OverloadConfig) {
  const { pressure, responseDeadlineMs = 30_000 } = config
  await app.register(underPressure, {
    // Averaged over five seconds, so that one long task, or another busy process, does not count as pressure.
    sampleInterval: 5_000,
    maxEventLoopDelay: 1_000,
    maxHeapUsedBytes: 0.9 * getHeapStatistics().heap_size_limit,
    // The container's limit, if there is one.
    maxRssBytes: 0.9 * Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem()),
    pressureHandler: async () => {
      throw new Problem('OVERLOADED', undefined, { headers: { 'retry-after': '2' } })
    },
    ...pressure,
  })

  // Not Fastify's `handlerTimeout`, which 5.12 forgets once a body has been read (fastify/fastify#6725).
  app.addHook('onRequest', (_request, reply, done) => {
    const timer = setTimeout(() => {
      if (!reply.sent) reply.send(new Problem('OVERLOADED', undefined, { headers: { 'retry-after': '5' } }))
    }, responseDeadlineMs)
    reply.raw.once('close', () => clearTimeout(timer))
    done()
  })
}

/**
 * Returns a signal that aborts when the client disconnects or the request has timed out.
 *
 * Not `request.signal`, which Fastify 5.12 aborts as soon as a body has been read (fastify/fastify#6725).
 */
export function disconnectSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController()
  if (raw.writableEnded || raw.destroyed) controller.abort()
  else raw.once('close', () => controller.abort())
  return controller.signal
}
