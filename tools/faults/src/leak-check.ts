/** How much a measure may grow: a share of its earlier value, and a constant. */
export interface Allowance {
  readonly part: number
  readonly plus: number
}

/** The medians that are compared. The first quarter of a run only warms up. */
export interface Growth {
  readonly from: number
  readonly to: number
}

/**
 * Returns the medians of the second and the last quarter of evenly spaced samples. A leak grows by half of its total between
 * them; caches have filled and code is compiled within the first quarter.
 */
export function measureGrowth(samples: readonly number[]): Growth {
  const quarter = Math.floor(samples.length / 4)
  return { from: median(samples.slice(quarter, 2 * quarter)), to: median(samples.slice(-quarter)) }
}

export function isFlat(samples: readonly number[], { part, plus }: Allowance): boolean {
  const { from, to } = measureGrowth(samples)
  return to <= from * (1 + part) + plus
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN
}
