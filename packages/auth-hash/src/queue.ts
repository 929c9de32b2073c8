import { channel } from 'node:diagnostics_channel'
import { OverloadedError } from './errors.ts'

/** Published when a call is rejected because of the queue: `{ running, waiting, retryAfter }`. */
const overload = channel('auth-primer:auth-hash:overload')

/**
 * Published when a computation has ended, with or without an error, in its caller's context: `{ waitedMs, workedMs
 * }`.
 */
const finish = channel('auth-primer:auth-hash:finish')

/** While others wait, one key may hold this part of the queue. */
const SHARE_WHILE_OTHERS_WAIT = 1 / 4

/** The load of a hasher, now and since it was created. */
export interface Stats {
  /** Calls that are being computed. */
  readonly running: number
  /** Calls that wait for their turn. */
  readonly waiting: number
  /** Calls that have ended, with or without an error. */
  readonly finished: number
  /** Calls that were rejected with `AUTH_HASH_OVERLOADED`. */
  readonly overloaded: number
  /** Calls whose signal aborted while they waited. */
  readonly aborted: number
}

/** A slot in the queue that is reserved for one later call. */
export interface Slot {
  /** Gives the slot back. Does nothing once a call has used it. */
  release(): void
}

/** The parts of an `AbortSignal` that are used. The types of this package need neither `@types/node` nor the library `dom`. */
export interface AbortSignalLike {
  /** The value that waiting calls reject with. */
  readonly reason: unknown
  /** Throws the reason if the signal has aborted. */
  throwIfAborted(): void
  /** Adds a listener. */
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void
  /** Removes a listener. */
  removeEventListener(type: 'abort', listener: () => void): void
}

export interface RunOptions {
  readonly signal?: AbortSignalLike | undefined
  readonly slot?: Slot | undefined
  readonly key?: string | undefined
}

export interface Queue {
  run<T>(job: () => Promise<T>, options?: RunOptions): Promise<T>
  reserve(key?: string): Slot
  readonly stats: Stats
}

/** A slot that is held: reserved, and once there is a `start`, waiting for its turn. */
interface Entry {
  readonly key: string
  start?: () => void
  reject?: (error: OverloadedError) => void
}

/**
 * Runs at most `concurrency` jobs at a time and lets `maxQueue` more wait.
 *
 * Keys take turns, so that the first job of a key waits for at most one job of each other key. When another key
 * arrives, the newest entries of a key that holds more than its share are rejected, and so are those of the key that
 * holds the most if the queue is full.
 *
 * `now`, in milliseconds, is used to estimate when a rejected caller should try again.
 */
export function createQueue(options: { concurrency: number; maxQueue: number; now: () => number }): Queue {
  const { concurrency, maxQueue, now } = options
  const share = Math.max(1, Math.floor(maxQueue * SHARE_WHILE_OTHERS_WAIT))
  /** The entries of each key, oldest first. The first line is the one whose turn it is. */
  const lines = new Map<string, Entry[]>()
  const slots = new WeakMap<Slot, Entry>()
  let held = 0
  let waiting = 0
  let running = 0
  let finished = 0
  let overloaded = 0
  let aborted = 0
  let meanMs = 0

  function overloadedError(): OverloadedError {
    overloaded += 1
    const retryAfter = Math.max(1, Math.ceil(((held + 1) * meanMs) / concurrency / 1000))
    if (overload.hasSubscribers) overload.publish({ running, waiting, retryAfter })
    return new OverloadedError(retryAfter)
  }

  function remove(entry: Entry): void {
    const line = lines.get(entry.key) as Entry[]
    line.splice(line.indexOf(entry), 1)
    if (line.length === 0) lines.delete(entry.key)
    held -= 1
    if (entry.start !== undefined) waiting -= 1
  }

  /** A slot is used once, and an evicted one is free for others. */
  const isUnused = (entry: Entry) =>
    entry.start === undefined && lines.get(entry.key)?.includes(entry) === true

  function evictNewest(line: Entry[]): void {
    const entry = line.at(-1) as Entry
    remove(entry)
    const error = overloadedError()
    entry.reject?.(error)
  }

  function admit(key: string): Entry {
    const own = lines.get(key)?.length ?? 0
    const others = [...lines.values()].filter(([first]) => first?.key !== key)
    if (others.length > 0 && own >= share) throw overloadedError()
    for (const line of others) while (line.length > share) evictNewest(line)
    if (running + held >= concurrency + maxQueue) {
      const longest = others.reduce((a, b) => (b.length > a.length ? b : a), [] as Entry[])
      if (longest.length <= own + 1) throw overloadedError()
      evictNewest(longest)
    }
    const entry: Entry = { key }
    const line = lines.get(key)
    if (line === undefined) lines.set(key, [entry])
    else line.push(entry)
    held += 1
    return entry
  }

  function startNext(): void {
    for (const [key, line] of lines) {
      if (running >= concurrency) return
      const entry = line.find(({ start }) => start !== undefined)
      if (entry === undefined) continue
      remove(entry)
      // The next turn is another key's.
      if (lines.delete(key)) lines.set(key, line)
      running += 1
      entry.start?.()
    }
  }

  function untilTurn(entry: Entry, signal: AbortSignalLike | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        remove(entry)
        aborted += 1
        reject(signal?.reason)
      }
      signal?.addEventListener('abort', abort, { once: true })
      const stopListening = () => signal?.removeEventListener('abort', abort)
      entry.start = () => {
        stopListening()
        resolve()
      }
      entry.reject = (error) => {
        stopListening()
        reject(error)
      }
      waiting += 1
      startNext()
    })
  }

  return {
    reserve(key = '') {
      const entry = admit(key)
      const slot: Slot = Object.freeze({ release: () => void (isUnused(entry) && remove(entry)) })
      slots.set(slot, entry)
      return slot
    },
    async run(job, { signal, slot, key = '' } = {}) {
      signal?.throwIfAborted()
      const reserved = slot && slots.get(slot)
      const entry = reserved && isUnused(reserved) ? reserved : admit(reserved?.key ?? key)
      const askedAt = now()
      await untilTurn(entry, signal)
      // A job that has started ends before its slot is free, even if it is aborted: bcrypt cannot be stopped.
      const startedAt = now()
      try {
        return await job()
      } finally {
        const workedMs = now() - startedAt
        meanMs = finished === 0 ? workedMs : meanMs + (workedMs - meanMs) / 8
        finished += 1
        running -= 1
        startNext()
        if (finish.hasSubscribers) finish.publish({ waitedMs: startedAt - askedAt, workedMs })
      }
    },
    get stats() {
      return Object.freeze({ running, waiting, finished, overloaded, aborted })
    },
  }
}
