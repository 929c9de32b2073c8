import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'
import underPressure from '@fastify/under-pressure'
import fp from 'fastify-plugin'
import { Problem } from '../problem.ts'

export interface PressureOptions {
  /** Instead of the limits that the machine gives. */
  pressure?: { sampleInterval?: number; maxEventLoopDelay?: number; maxRssBytes?: number }
}

/**
 * Where the process can no longer keep up, every route but those with `config: KEEPS_ANSWERING` is a quick 503: when its
 * turns have taken a second on average, or when it is about to run out of memory.
 */
export default fp<PressureOptions>(async (app, { pressure }) => {
  await app.register(underPressure, {
    // Over five seconds, so that one long turn, or a machine that was busy elsewhere, is no pressure.
    sampleInterval: 5_000,
    maxEventLoopDelay: 1_000,
    maxHeapUsedBytes: 0.9 * getHeapStatistics().heap_size_limit,
    // A container's limit where there is one.
    maxRssBytes: 0.9 * Math.min(process.constrainedMemory() || Number.POSITIVE_INFINITY, totalmem()),
    pressureHandler: refuse,
    ...pressure,
  })
})

/** Whoever restarts what does not answer must not restart what is merely busy. */
export const KEEPS_ANSWERING = { pressureHandler: () => {} }

async function refuse(): Promise<void> {
  throw new Problem('OVERLOADED', 'The service has more to do than it can. Try again in a moment.', {
    headers: { 'retry-after': '2' },
  })
}
