// The output in the terminal.
import colors from 'picocolors'
import { type Failure, maskSecrets, type Stage } from './check.ts'
import type { Sent } from './http.ts'
import type { CheckResult, StageResult, State } from './run.ts'

const MARKS: Record<State, string> = { passed: '✓', failed: '✗', blocked: '?', 'not checked': '?' }
const COLORS: Record<State, (text: string) => string> = {
  passed: colors.green,
  failed: colors.red,
  blocked: colors.yellow,
  'not checked': colors.yellow,
}
const BAR_LENGTH = 30
const MAX_BODY_LENGTH = 200

/** Returns the lines of a stage: one if it passed; all checks, and why those that failed did, if it did not. */
export function formatStage({ stage, results, isPassed }: StageResult, hints: number): string {
  const isFailed = results.some(({ state }) => state === 'failed')
  const state = isPassed ? 'passed' : isFailed ? 'failed' : 'blocked'
  const lines = [COLORS[state](`${MARKS[state]} ${stage.number} ${stage.title}`)]
  for (const [index, result] of results.entries()) {
    const { check, failure } = result
    if (result.state === 'passed' && isPassed) continue
    lines.push(...indent(2, formatCheck(result, results[index + 1])))
    if (failure === undefined) continue
    const shown = check.hints.slice(0, hints).map((hint, index) => `Hint ${index + 1}: ${hint}`)
    lines.push(...indent(4, [...formatFailure(failure), ...shown]))
  }
  if (isFailed && hints < 3) lines.push(colors.dim(`  More hints: --hints ${hints + 1}`))
  return lines.join('\n')
}

const indent = (columns: number, lines: readonly string[]) => lines.map((line) => ' '.repeat(columns) + line)

/** Returns a check with its mark, and why it was not checked, unless the next one was not for the same reason. */
export function formatCheck({ check, state, reason }: CheckResult, next?: CheckResult): string[] {
  const line = COLORS[state](`${MARKS[state]} ${check.title}`)
  return reason === undefined || reason === next?.reason
    ? [line]
    : [line, `  not checked: ${printable(reason)}`]
}

export function formatFailure({ sent, expected, actual }: Failure): string[] {
  return [
    `sent:     ${formatSent(sent)}`,
    `expected: ${printable(expected)}`,
    `actual:   ${printable(actual)}`,
  ]
}

/** Shows a request without its token and its password. */
export function formatSent({ method, path, credentials, body = '' }: Sent): string {
  const shown = maskSecrets(body.slice(0, 2 * MAX_BODY_LENGTH))
  const parts = [
    `${method} ${path}`,
    credentials ?? '',
    shown.length > MAX_BODY_LENGTH ? `${shown.slice(0, MAX_BODY_LENGTH)}…` : shown,
  ]
  return printable(parts.filter((part) => part !== '').join(', '))
}

/** Control characters in a response must not reach the terminal. */
function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Returns a bar, the number of stages reached, and what to do next. */
export function formatSummary(results: readonly StageResult[], total: number): string {
  const passed = results.filter(({ isPassed }) => isPassed).length
  const filled = Math.round((passed / total) * BAR_LENGTH)
  const bar = `${'█'.repeat(filled)}${'░'.repeat(BAR_LENGTH - filled)}`
  const unchecked = results
    .flatMap((stage) => stage.results)
    .filter(({ state }) => state === 'not checked' || state === 'blocked').length
  const next = results.find(({ isPassed }) => !isPassed)
  return [
    `${bar} ${passed} of ${total} stages`,
    ...(unchecked > 0
      ? [`${unchecked} ${unchecked === 1 ? 'check was' : 'checks were'} not run. See above for the reason.`]
      : []),
    ...(next ? [`Next: stage ${next.stage.number}, ${next.stage.title}. Read ${pagePath(next.stage)}`] : []),
    ...(!next && results.length === total ? [colors.green('All stages pass.')] : []),
  ].join('\n')
}

export function pagePath({ number, slug }: Stage): string {
  return `docs/build-your-own/${number}-${slug}.md`
}

/** One server of a scoreboard, and the results that it has so far. */
export interface Standing {
  readonly url: URL
  readonly results: readonly StageResult[]
  readonly isDone: boolean
}

/** Returns one line per server, the one that is furthest first. */
export function formatScoreboard(standings: readonly Standing[], total: number, columns: number): string[] {
  const width = Math.max(...standings.map(({ url }) => url.host.length))
  const count = ({ results }: Standing) => results.filter(({ isPassed }) => isPassed).length
  const lines = [...standings]
    .sort((a, b) => count(b) - count(a))
    .map((standing) => {
      const { url, results, isDone } = standing
      const passed = count(standing)
      const failed = results.find(({ isPassed }) => !isPassed)
      const bar = columns < width + total + 20 ? '' : `${'█'.repeat(passed)}${'░'.repeat(total - passed)} `
      const next = failed ? describeNext(failed) : isDone ? 'done' : '…'
      return `${url.host.padEnd(width)}  ${bar}${String(passed).padStart(2)}  ${next}`
    })
  return lines.map((line) => (line.length > columns ? `${line.slice(0, columns - 1)}…` : line))
}

function describeNext({ stage, results }: StageResult): string {
  const isSilent = results.some((result) => result.isSilent)
  return `next: ${stage.number} ${stage.title}${isSilent ? ' (no response)' : ''}`
}

/** Returns the results for programs. */
export function toJson(url: URL, results: readonly StageResult[], total: number): string {
  const stages = results.map(({ stage: { number, title }, isPassed, durationMs, results }) => ({
    ...{ number, title, isPassed, durationMs },
    checks: results.map(({ check: { id, title }, state, failure, reason, durationMs }) => ({
      ...{ id, title, state, durationMs },
      ...(reason !== undefined && { reason }),
      ...(failure && {
        sent: formatSent(failure.sent),
        expected: failure.expected,
        actual: failure.actual,
      }),
    })),
  }))
  const passed = results.filter(({ isPassed }) => isPassed).length
  return JSON.stringify({ url: url.origin, passed, total, stages }, undefined, 2)
}
