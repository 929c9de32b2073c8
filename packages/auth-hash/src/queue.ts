import { channel } from 'node:diagnostics_channel'
import PQueue from 'p-queue'
import { OverloadedError } from './errors.ts'

/** Published when a call is turned away: `{ running, waiting, retryAfter }`. */
const overload = channel('auth-primer:auth-hash:overload')

/** Published when a job has come to an end, well or badly: `{ waitedMs, workedMs }`. */
const finish = channel('auth-primer:auth-hash:finish')

/** A hasher's load, as it is now and since it was made. */
export interface Stats {
  /** Computing now. */
  readonly running: number
  /** Waiting for their turn. */
  readonly waiting: number
  /** Come to an end, well or badly. */
  readonly finished: number
  /** Turned away because the queue was full. */
  readonly overloaded: number
  /** Given up by their caller's signal while they waited. */
  readonly aborted: number
}

/** A place in a hasher's queue that is kept for one call to come. */
export interface Place {
  /** Gives it back. Once a call has taken it, this does nothing. */
  release(): void
}

export interface Queue {
  run<T>(job: () => Promise<T>, signal: AbortSignal | undefined, place?: Place): Promise<T>
  reserve(): Place
  readonly stats: Stats
}

/**
 * At most `concurrency` jobs at a time and `maxQueue` waiting. `now`, in milliseconds, only serves to estimate when
 * one that is turned away should come back.
 */
export function createQueue(options: { concurrency: number; maxQueue: number; now: () => number }): Queue {
  const { concurrency, maxQueue, now } = options
  const jobs = new PQueue({ concurrency })
  const kept = new Set<Place>()
  let finished = 0
  let overloaded = 0
  let aborted = 0
  let meanMs = 0

  async function timed<T>(job: () => Promise<T>, asked: number): Promise<T> {
    const start = now()
    try {
      return await job()
    } finally {
      const ms = now() - start
      meanMs = finished === 0 ? ms : meanMs + (ms - meanMs) / 8
      finished += 1
      if (finish.hasSubscribers) finish.publish({ waitedMs: start - asked, workedMs: ms })
    }
  }

  function turnAwayWhereFull() {
    if (jobs.pending + jobs.size + kept.size < concurrency + maxQueue) return
    overloaded += 1
    const ahead = jobs.size + kept.size
    const retryAfter = Math.max(1, Math.ceil(((ahead + 1) * meanMs) / concurrency / 1000))
    if (overload.hasSubscribers) overload.publish({ running: jobs.pending, waiting: jobs.size, retryAfter })
    throw new OverloadedError(retryAfter)
  }

  return {
    reserve() {
      turnAwayWhereFull()
      const place: Place = Object.freeze({ release: () => void kept.delete(place) })
      kept.add(place)
      return place
    },
    async run(job, signal, place) {
      signal?.throwIfAborted()
      const isKept = place !== undefined && kept.delete(place)
      if (!isKept) turnAwayWhereFull()
      // p-queue would give the place of an aborted job away while bcrypt, which cannot be stopped, still computes.
      const waiting = new AbortController()
      const abort = () => {
        aborted += 1
        waiting.abort(signal?.reason)
      }
      signal?.addEventListener('abort', abort, { once: true })
      const asked = now()
      const started = () => {
        signal?.removeEventListener('abort', abort)
        return timed(job, asked)
      }
      return jobs.add(started, { signal: waiting.signal })
    },
    get stats() {
      return Object.freeze({ running: jobs.pending, waiting: jobs.size, finished, overloaded, aborted })
    },
  }
}
