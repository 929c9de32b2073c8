import fc from 'fast-check'

export type Disturbance = 'kill' | 'restart'

export interface Plan {
  readonly posts: number
  /** How often the service gets a SIGKILL. */
  readonly kills: number
  /** How often Postgres is stopped in immediate mode and started again. */
  readonly restarts: number
  readonly seed: number
}

/**
 * Plans after how many posts to disturb the run: it is divided into as many parts as there are disturbances, and each part has
 * one in its middle half.
 */
export function schedule({ posts, kills, restarts, seed }: Plan): { after: number; what: Disturbance }[] {
  const all = [...Array<Disturbance>(kills).fill('kill'), ...Array<Disturbance>(restarts).fill('restart')]
  const part = posts / all.length
  const arbitrary = fc.tuple(
    fc.shuffledSubarray(all, { minLength: all.length }),
    fc.array(fc.double({ min: 0.25, max: 0.75, noNaN: true }), {
      minLength: all.length,
      maxLength: all.length,
    }),
  )
  const [[order, places] = [[], []]] = fc.sample(arbitrary, { seed, numRuns: 1 })
  return order.map((what, index) => ({ after: Math.floor((index + (places[index] ?? 0.5)) * part), what }))
}
