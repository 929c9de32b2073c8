import { channel } from 'node:diagnostics_channel'
import PQueue from 'p-queue'
import { OverloadedError } from './errors.ts'

/** Published when a call is turned away: `{ running, waiting, retryAfter }`. */
const overload = channel('auth-primer:auth-hash:overload')

/** Published when a job has come to an end, well or badly, in its caller's context: `{ waitedMs, workedMs }`. */
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

/** When a job was started, and how long it took. */
interface Times {
  startedAt?: number
  workedMs?: number
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

  async function timed<T>(job: () => Promise<T>, times: Times): Promise<T> {
    times.startedAt = now()
    try {
      return await job()
    } finally {
      const ms = now() - times.startedAt
      times.workedMs = ms
      meanMs = finished === 0 ? ms : meanMs + (ms - meanMs) / 8
      finished += 1
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
      const times: Times = {}
      const started = () => {
        signal?.removeEventListener('abort', abort)
        return timed(job, times)
      }
      try {
        return await jobs.add(started, { signal: waiting.signal })
      } finally {
        // Not in the job: p-queue starts that in the context of the one before.
        const { startedAt, workedMs } = times
        if (finish.hasSubscribers && startedAt !== undefined && workedMs !== undefined) {
          finish.publish({ waitedMs: startedAt - asked, workedMs })
        }
      }
    },
    get stats() {
      return Object.freeze({ running: jobs.pending, waiting: jobs.size, finished, overloaded, aborted })
    },
  }
}
