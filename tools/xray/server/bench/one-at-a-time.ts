import { XrayError } from '../error.ts'

/** Enough for one presenter and a few impatient clicks. */
const MAX_WAITING = 8

/** Runs tasks one after another, so that the benches never take more than one of the service's threads. */
export function oneAtATime() {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0

  return async function run<T>(work: () => Promise<T>): Promise<T> {
    if (waiting >= MAX_WAITING) throw new XrayError('busy', 'The hash bench is busy. Try again in a moment.')
    waiting += 1
    const turn = last.then(work).finally(() => {
      waiting -= 1
    })
    last = turn.catch(() => {})
    return turn
  }
}
