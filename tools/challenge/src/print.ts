// The output in the terminal.
import colors from 'picocolors'
import type { Stage } from './check.ts'
import type { Sent } from './http.ts'
import type { CheckResult, StageResult, State } from './run.ts'

const MARKS: Record<State, string> = { passed: '✓', failed: '✗', 'not checked': '?' }
const COLORS: Record<State, (text: string) => string> = {
  passed: colors.green,
  failed: colors.red,
  'not checked': colors.yellow,
}
const BAR_LENGTH = 30

/** Returns the lines of a stage: one if it passed; all checks, and the reason of the first that fails, if it did not. */
export function formatStage({ stage, results, isPassed }: StageResult, hints: number): string {
  const state = isPassed ? 'passed' : 'failed'
  const lines = [COLORS[state](`${MARKS[state]} ${stage.number} ${stage.title}`)]
  const first = results.find(({ state }) => state === 'failed')
  for (const result of results)
    if (result === first) lines.push(formatCheck(result), ...formatFailure(result, hints))
    else if (result.state !== 'passed' || !isPassed) lines.push(formatCheck(result))
  return lines.join('\n')
}

function formatCheck({ check, state, missing }: CheckResult): string {
  const line = `  ${COLORS[state](`${MARKS[state]} ${check.title}`)}`
  return missing ? `${line}\n    not checked: ${missing}` : line
}

function formatFailure({ check, failure }: CheckResult, hints: number): string[] {
  if (failure === undefined) return []
  const { sent, came, expected } = failure
  return [
    ...(sent ? [`    sent:     ${formatSent(sent)}`] : []),
    `    received: ${printable(came)}`,
    `    expected: ${printable(expected)}`,
    ...check.hints.slice(0, hints).map((hint, index) => `    Hint ${index + 1}: ${hint}`),
    ...(hints < check.hints.length ? [colors.dim(`    Another hint: --hints ${hints + 1}`)] : []),
  ]
}

/** Shows a request without its token and its password. */
function formatSent({ method, path, headers, body }: Sent): string {
  const token = headers.authorization === undefined ? 'without a token' : 'with a token'
  if (body === undefined) return printable(`${method} ${path}, ${token}`)
  const masked = body
    .replace(/("[^"]*(?:password|token)[^"]*"\s*:\s*)"(?:[^"\\]|\\.)*"/gi, '$1"…"')
    .replace(/((?:^|&)[^=&]*(?:password|token)[^=&]*=)[^&]*/gi, '$1…')
  return printable(
    `${method} ${path}, ${token}, ${masked.length > 200 ? `${masked.slice(0, 200)}…` : masked}`,
  )
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
    .filter(({ state }) => state === 'not checked').length
  const failed = results.find(({ isPassed }) => !isPassed)
  return [
    `${bar} ${passed} of ${total} stages`,
    ...(unchecked > 0
      ? [
          `${unchecked} ${unchecked === 1 ? 'check was' : 'checks were'} not run. See above for what is missing.`,
        ]
      : []),
    ...(failed
      ? [`Next: stage ${failed.stage.number}, ${failed.stage.title}. Read ${pagePath(failed.stage)}`]
      : []),
    ...(!failed && results.length === total ? [colors.green('All stages pass.')] : []),
  ].join('\n')
}

function pagePath({ number, slug }: Stage): string {
  return `docs/build-your-own/${number}-${slug}.md`
}

/** Returns one line per server: how far it is. */
export function formatScoreboard(
  servers: readonly { readonly url: URL; readonly results: readonly StageResult[] }[],
  total: number,
): string {
  const width = Math.max(...servers.map(({ url }) => url.host.length))
  return servers
    .map(({ url, results }) => ({ url, results, passed: results.filter(({ isPassed }) => isPassed).length }))
    .sort((a, b) => b.passed - a.passed)
    .map(({ url, results, passed }) => {
      const failed = results.find(({ isPassed }) => !isPassed)
      const next = failed ? `next: ${failed.stage.number} ${failed.stage.title}` : 'done'
      return `${url.host.padEnd(width)}  ${'█'.repeat(passed)}${'░'.repeat(total - passed)} ${String(passed).padStart(2)}  ${next}`
    })
    .join('\n')
}
