/** How much a measure may grow: a part of what it was, and so much besides. */
export interface Allowance {
  readonly part: number
  readonly plus: number
}

/** The quarters of a run that are compared: the first one warms up. */
export interface Growth {
  readonly from: number
  readonly to: number
}

/**
 * Medians of the second and of the last quarter of evenly spaced samples. A leak, which grows all the time, adds half of what it
 * takes in the whole run; a cache that fills, or code that is compiled, has done so in the first quarter.
 */
export function growthOf(samples: readonly number[]): Growth {
  const quarter = Math.floor(samples.length / 4)
  return { from: median(samples.slice(quarter, 2 * quarter)), to: median(samples.slice(-quarter)) }
}

export function isFlat(samples: readonly number[], { part, plus }: Allowance): boolean {
  const { from, to } = growthOf(samples)
  return to <= from * (1 + part) + plus
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN
}
