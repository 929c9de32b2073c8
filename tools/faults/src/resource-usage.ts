import { type Allowance, isFlat, measureGrowth } from './leak-check.ts'

const MB = 1_000_000

/** How much each measure may grow from the second quarter of a run to the last. */
const ALLOWED: Readonly<Record<string, Allowance>> = {
  heapUsed: { part: 0.05, plus: 1 * MB },
  external: { part: 0.05, plus: 1 * MB },
  // V8 decides what to return to the system, and when.
  rss: { part: 0.15, plus: 5 * MB },
  handles: { part: 0, plus: 3 },
  files: { part: 0, plus: 3 },
  connections: { part: 0, plus: 3 },
  busyConnections: { part: 0, plus: 0 },
}

/** Describes the limits for `--help`. */
export const CRITERION = `Flat means: of the samples, taken after garbage collection, the median of the last quarter exceeds that of the second by at
most 5 % and 1 MB (heap and external memory), 15 % and 5 MB (resident set), 3 (handles, open files, connections), and no
connection is busy then.`

export interface UsageVerdict {
  readonly isFlat: boolean
  /** A line for each measure. */
  readonly lines: readonly string[]
}

export function judgeUsage<Name extends string>(
  samples: readonly Readonly<Record<Name, number>>[],
): UsageVerdict {
  const names = Object.keys(samples[0] ?? {}) as Name[]
  const measures = names.map((name) => {
    const values = samples.map((sample) => sample[name])
    const allowed = ALLOWED[name]
    return { name, flat: allowed !== undefined && isFlat(values, allowed), ...measureGrowth(values) }
  })
  return {
    isFlat: measures.every(({ flat }) => flat),
    lines: measures.map(
      ({ name, from, to, flat }) =>
        `${name.padEnd(16)} ${show(name, from)} → ${show(name, to)}  ${flat ? 'flat' : 'NOT FLAT'}`,
    ),
  }
}

function show(name: string, value: number): string {
  const isBytes = (ALLOWED[name]?.plus ?? 0) >= MB
  return (isBytes ? `${(value / MB).toFixed(2)} MB` : String(value)).padStart(10)
}
