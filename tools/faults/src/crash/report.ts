import type { CrashReport } from './crash.ts'

/** Formats a run's report as a table. */
export function format(report: CrashReport): string {
  const { acknowledged, unknown, refused, violations, disturbances, slowestMs } = report
  const count = (what: string) => disturbances.filter((one) => one.what === what).length
  return [
    `the service was killed ${count('kill')} times, Postgres restarted ${count('restart')} times`,
    '',
    line(acknowledged, 'posts were acknowledged'),
    ...[...unknown].map(([how, { posts, stored }]) =>
      line(posts, `ended with ${how}: ${stored} of them are in the database`),
    ),
    ...[...refused].map(([how, times]) => line(times, `times a post was refused: ${how}`)),
    line(Math.round(slowestMs), 'ms took the slowest response'),
    '',
    ...(violations.length === 0
      ? ['No acknowledged post is lost, and none is stored twice.']
      : [`${violations.length} violations:`, ...violations.slice(0, 50).map((one) => `  ${one}`)]),
  ].join('\n')
}

function line(count: number, what: string): string {
  return `${count.toLocaleString('en').padStart(7)}  ${what}`
}
