import { XrayError } from '../error.ts'

/** So many may wait for their turn; a class that looks on needs no more. */
const MOST_WAITING = 8

/** Runs work one after the other, so that the benches never take more than one of the service's threads. */
export function oneAtATime() {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0

  return async function run<T>(work: () => Promise<T>): Promise<T> {
    if (waiting >= MOST_WAITING) throw new XrayError('busy', 'The hash bench is busy. Try again in a moment.')
    waiting += 1
    const turn = last.then(work).finally(() => {
      waiting -= 1
    })
    last = turn.catch(() => {})
    return turn
  }
}
