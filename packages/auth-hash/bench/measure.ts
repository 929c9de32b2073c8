/** Returns the value below which a share of the samples lies. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] as number
}

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5)
}

export type Work = () => Promise<unknown>

/** Returns the CPU time of all threads of the process, in milliseconds. */
export async function measureCpu(work: Work): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** Returns the elapsed time in milliseconds. */
export async function measureTime(work: Work): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Returns the smallest sample. For elapsed times, which other processes only make longer. */
export function best(samples: readonly number[]): number {
  return Math.min(...samples)
}

/**
 * Measures the works in turn, in a different order in each round, so other programs on the machine affect all of them alike.
 * Returns the summary of each one's samples.
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
