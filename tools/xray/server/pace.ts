/** A class that logs in at once, and more. */
const AT_ONCE = 1_000
/** For longer than that, as many as cost the service little. */
const PER_SECOND = 100

/** After too many it rests, so that a context need not be kept for each promise of the process all the time. */
const RESTED = 100

/** How many requests are watched: of more, which nobody could follow on a page that shows 200, it is only told how many there were. */
export class Pace {
  #left = AT_ONCE
  #at = 0
  #isResting = false

  /** Whether one more is to be watched. `now` is in milliseconds. */
  takes(now: number): boolean {
    this.#left = Math.min(AT_ONCE, this.#left + ((now - this.#at) / 1_000) * PER_SECOND)
    this.#at = now
    this.#isResting = this.#left < (this.#isResting ? RESTED : 1)
    if (this.#isResting) return false
    this.#left -= 1
    return true
  }
}
