import type { ServerResponse } from 'node:http'
import type { Trace } from './trace.ts'

/** Often enough to look live, and seldom enough that a request is written once or twice whatever happens to it. */
const EVERY_MS = 50
/** Most are over by then: they are written once. */
const PATIENCE_MS = 150
/** An open stream on which nothing happens is kept open by a word now and then; Node would end it after a minute. */
const STILL_THERE_MS = 15_000
/** As many as the page shows. */
const MOST_WAITING = 200

/**
 * One page that watches. What it has not been sent waits here, each request once, and no more of them than the page shows:
 * a page that takes nothing is sent nothing, and what waits for it does not grow.
 */
export class Watcher {
  readonly #response: ServerResponse
  readonly #lastId: () => string
  readonly #waiting = new Map<number, Trace>()
  readonly #stillThere: NodeJS.Timeout
  #timer: NodeJS.Timeout | undefined
  #isStalled = false
  #missed = 0

  /** @param lastId - of what has happened so far */
  constructor(response: ServerResponse, lastId: () => string) {
    this.#response = response
    this.#lastId = lastId
    this.#stillThere = setInterval(() => this.#write(':\n\n'), STILL_THERE_MS).unref()
    this.#write('retry: 1000\n\n')
  }

  /** There is something new to know of a request. */
  changed(trace: Trace): void {
    const waiting = this.#waiting
    waiting.set(trace.id, trace)
    if (waiting.size > MOST_WAITING) {
      const [oldest] = waiting.keys()
      waiting.delete(oldest as number)
      this.#missed += 1
    }
    this.#startTimer()
  }

  /** A request went by that is not watched. */
  skipped(): void {
    this.#missed += 1
    this.#startTimer()
  }

  end(): void {
    clearInterval(this.#stillThere)
    clearTimeout(this.#timer)
    this.#response.end()
    // What a page does not take would keep the service from closing.
    if (this.#isStalled) this.#response.destroy()
  }

  #startTimer(): void {
    this.#timer ??= setTimeout(() => this.#flush(), EVERY_MS).unref()
  }

  #flush(): void {
    this.#timer = undefined
    if (this.#isStalled) return
    const requests = this.#take()
    if (this.#waiting.size > 0) this.#startTimer()
    if (requests.length === 0 && this.#missed === 0) return
    const data = JSON.stringify({ requests, missed: this.#missed })
    this.#missed = 0
    this.#write(`id: ${this.#lastId()}\ndata: ${data}\n\n`)
  }

  /** What is over, or has been under way for so long that one would wonder. */
  #take(): Trace[] {
    const now = Date.now()
    const requests: Trace[] = []
    for (const [id, trace] of this.#waiting) {
      if (trace.ms === undefined && now - trace.at < PATIENCE_MS) continue
      this.#waiting.delete(id)
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
