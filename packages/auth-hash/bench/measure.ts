/** The value below which a share of the samples lies. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5)
}

export type Work = () => Promise<unknown>

/** Milliseconds of CPU, over all threads of the process. */
export async function cpuOf(work: Work): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** Milliseconds on the clock. */
export async function timeOf(work: Work): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** For times on the clock, which other processes only ever make longer. */
export function best(samples: readonly number[]): number {
  return Math.min(...samples)
}

/**
 * Measures each work in turns, each round in another order, so that whatever else the machine does falls on all of
 * them alike, and sums each one's samples up.
 */
export async function inTurns<Name extends string>(
  works: Readonly<Record<Name, Work>>,
  options: {
    readonly rounds: number
    readonly measure: (work: Work) => Promise<number>
    readonly summary: (samples: readonly number[]) => number
  },
): Promise<Record<Name, number>> {
  const names = Object.keys(works) as Name[]
  const samples = new Map(names.map((name) => [name, [] as number[]]))
  for (let round = 0; round <= options.rounds; round += 1) {
    const order = names.map((_, place) => names[(place + round) % names.length] as Name)
    for (const name of order) {
      const sample = await options.measure(works[name])
      // The first round warms up.
      if (round > 0) samples.get(name)?.push(sample)
    }
  }
  const summaries = names.map((name) => [name, options.summary(samples.get(name) ?? [])])
  return Object.fromEntries(summaries) as Record<Name, number>
}
