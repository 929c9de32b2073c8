/** One thing to measure; it may answer later. */
export type Task = () => unknown

/**
 * The best time of each task in nanoseconds. The tasks take turns, round by round, so that whatever else the machine does
 * hits all of them; the best of many rounds is what is left of a task when nothing hits it.
 */
export async function best(
  tasks: Readonly<Record<string, Task | undefined>>,
  rounds = 40,
  roundMs = 8,
): Promise<Record<string, number>> {
  const times: Record<string, number> = {}
  const runs: { readonly name: string; readonly task: Task; readonly count: number }[] = []
  for (const [name, task] of Object.entries(tasks)) {
    if (task === undefined) continue
    runs.push({ name, task, count: Math.max(1, Math.floor((roundMs * 1e6) / (await time(task, 50)))) })
  }
  for (let round = 0; round < rounds; round++) {
    for (const { name, task, count } of runs) {
      times[name] = Math.min(times[name] ?? Number.POSITIVE_INFINITY, await time(task, count))
    }
  }
  return times
}

async function time(task: Task, count: number): Promise<number> {
  const start = process.hrtime.bigint()
  for (let at = 0; at < count; at++) {
    const answer = task()
    if (answer instanceof Promise) await answer
  }
  return Number(process.hrtime.bigint() - start) / count
}

/** Prints rows in columns. */
export function table(title: string, rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const lines = rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  )
  console.log(`\n${title}\n${lines.join('\n')}`)
}

export const micro = (ns: number) => `${(ns / 1000).toFixed(2)} µs`
export const ratio = (a: number, b: number) => `${(a / b).toFixed(2)} ×`
export const grade = (value: number, goal: number) =>
  `${value <= goal ? 'pass' : 'MISS'} (≤ ${goal.toFixed(2)})`
