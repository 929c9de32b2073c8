/** The largest burst: more than a class that logs in at the same time. */
const BURST = 1_000
/** The sustained rate of traces: it costs the service little. */
const PER_SECOND = 100
/** After the limit was hit, tracing pauses until this much is available, so that async contexts can be disabled in between. */
const RESUME_AT = 100

/** Limits how many requests are traced. Further requests are only counted: the page shows 200, and more could not be followed. */
export class SamplingLimiter {
  #available = BURST
  #updatedAt = 0
  #isPaused = false

  /** Returns true if one more request is to be traced. `now` is in milliseconds. */
  take(now: number): boolean {
    this.#available = Math.min(BURST, this.#available + ((now - this.#updatedAt) / 1_000) * PER_SECOND)
    this.#updatedAt = now
    this.#isPaused = this.#available < (this.#isPaused ? RESUME_AT : 1)
    if (this.#isPaused) return false
    this.#available -= 1
    return true
  }
}
