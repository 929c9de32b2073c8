import type { ServerResponse } from 'node:http'
import type { Trace } from './trace.ts'

/** The interval between messages: short enough to look live, and long enough that each request is written only once or twice. */
const FLUSH_INTERVAL_MS = 50
/** The delay before an unfinished request is written. Most have finished by then, so they are written once. */
const UNFINISHED_DELAY_MS = 150
/** Keeps an idle stream open; Node would close it after a minute. */
const KEEP_ALIVE_MS = 15_000
/** The number of requests that the page keeps. */
const MAX_PENDING = 400

/**
 * One open page. It buffers the traces that the page has not been sent, each request once and at most as many as the page
 * shows, so the buffer of a page that reads nothing does not grow.
 */
export class StreamClient {
  readonly #response: ServerResponse
  readonly #lastId: () => string
  readonly #pending = new Map<number, Trace>()
  readonly #keepAlive: NodeJS.Timeout
  #timer: NodeJS.Timeout | undefined
  #isStalled = false
  #missed = 0

  /** @param lastId - returns the id of the newest event */
  constructor(response: ServerResponse, lastId: () => string) {
    this.#response = response
    this.#lastId = lastId
    this.#keepAlive = setInterval(() => this.#write(':\n\n'), KEEP_ALIVE_MS).unref()
    this.#write('retry: 1000\n\n')
  }

  /** Queues a trace that has changed. */
  changed(trace: Trace): void {
    const pending = this.#pending
    pending.set(trace.id, trace)
    if (pending.size > MAX_PENDING) {
      const [oldest] = pending.keys()
      pending.delete(oldest as number)
      this.#missed += 1
    }
    this.#startTimer()
  }

  /** Counts a request that is not traced. */
  skipped(): void {
    this.#missed += 1
    this.#startTimer()
  }

  end(): void {
    clearInterval(this.#keepAlive)
    clearTimeout(this.#timer)
    this.#response.end()
    // A page that reads nothing would keep the service from closing.
    if (this.#isStalled) this.#response.destroy()
  }

  #startTimer(): void {
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_INTERVAL_MS).unref()
  }

  #flush(): void {
    this.#timer = undefined
    if (this.#isStalled) return
    const requests = this.#take()
    if (this.#pending.size > 0) this.#startTimer()
    if (requests.length === 0 && this.#missed === 0) return
    const data = JSON.stringify({ requests, missed: this.#missed })
    this.#missed = 0
    this.#write(`id: ${this.#lastId()}\ndata: ${data}\n\n`)
  }

  /** Removes and returns the requests that have finished or have taken unusually long. */
  #take(): Trace[] {
    const now = Date.now()
    const requests: Trace[] = []
    for (const [id, trace] of this.#pending) {
      if (trace.ms === undefined && now - trace.at < UNFINISHED_DELAY_MS) continue
      this.#pending.delete(id)
      requests.push(trace)
    }
    return requests
  }

  #write(text: string): void {
    const response = this.#response
    if (this.#isStalled || response.writableEnded || response.write(text)) return
    this.#isStalled = true
    response.once('drain', () => {
      this.#isStalled = false
      this.#flush()
    })
  }
}
