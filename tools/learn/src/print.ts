import colours from 'picocolors'
import type { Chapter } from './chapters.ts'
import type { Verdict } from './check-attempt.ts'
import type { Check } from './report.ts'

const MARKS = { passed: '✓', failed: '✗', 'not run': '·' } as const
const COLOURS = { passed: colours.green, failed: colours.red, 'not run': colours.dim } as const

/** Formats a verdict for a learner, with this many hints. */
export function formatVerdict({ number, title }: Chapter, verdict: Verdict, hints: number): string {
  const { passed, checks, output } = verdict
  const failed = checks.find(({ state }) => state === 'failed')
  return [
    colours.bold(`${number} · ${title}`),
    ...checks.map(formatCheck),
    ...(failed ? ['', ...formatFinding(failed), ...formatHints(failed, hints)] : []),
    ...(output.trim() ? ['', ...formatOutput(output)] : []),
    ...(passed ? ['', 'Done: all checks pass.'] : []),
    '',
  ].join('\n')
}

export const formatCheck = ({ state, sentence }: Check) => COLOURS[state](`${MARKS[state]} ${sentence}`)

/** Formats why a check failed. */
export function formatFinding({ finding, expected, came }: Check): string[] {
  return [
    ...(finding ? [finding] : []),
    ...(expected === undefined ? [] : [`  expected: ${expected}`, `  actual:   ${came}`]),
  ]
}

function formatHints({ hints = [] }: Check, count: number): string[] {
  const shown = hints.slice(0, count)
  return [
    ...shown.map((hint, index) => `Hint ${index + 1}: ${hint}`),
    ...(hints.length > shown.length ? [colours.dim(`Another hint: --hints ${count + 1}`)] : []),
  ]
}

/** Formats the last lines that the attempt printed. */
export function formatOutput(output: string, limit = 20): string[] {
  const lines = output.trimEnd().split('\n')
  const shown = lines.slice(-limit)
  const omitted = lines.length - shown.length
  return [
    omitted > 0 ? `It printed ${omitted} lines, and then:` : 'It printed:',
    ...shown.map((line) => colours.dim(`│ ${line}`)),
  ]
}
