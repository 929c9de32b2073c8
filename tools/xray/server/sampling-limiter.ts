/** A class that logs in at once, and more. */
const BURST = 1_000
/** As many traces as cost the service little over a longer time. */
const PER_SECOND = 100
/** After the limit was hit, tracing pauses until this much is available, so that async contexts can be disabled in between. */
const RESUME_AT = 100

/** Limits how many requests are traced. Of more, which nobody could follow on a page that shows 200, only the number is shown. */
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
