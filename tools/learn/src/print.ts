import colours from 'picocolors'
import type { Chapter } from './chapters.ts'
import type { Verdict } from './check.ts'
import type { Check } from './report.ts'

const MARKS = { passed: '✓', failed: '✗', 'not run': '·' } as const
const COLOURS = { passed: colours.green, failed: colours.red, 'not run': colours.dim } as const

/** A verdict as a learner reads it, with so many of the hints. */
export function textOf({ number, title }: Chapter, verdict: Verdict, hints: number): string {
  const { passed, checks, brokeOff, output } = verdict
  const failed = checks.find(({ state }) => state === 'failed')
  return [
    colours.bold(`${number} · ${title}`),
    ...checks.map(formatCheck),
    ...(failed ? ['', ...details(failed), ...hintLines(failed, hints)] : []),
    ...(brokeOff ? ['', brokeOff] : []),
    ...(output.trim() ? ['', ...printedLines(output)] : []),
    ...(passed ? ['', 'Done: all checks pass.'] : []),
    '',
  ].join('\n')
}

export const formatCheck = ({ state, sentence }: Check) => COLOURS[state](`${MARKS[state]} ${sentence}`)

/** What was found if a check fails. */
export function details({ finding, expected, came }: Check): string[] {
  return [
    ...(finding ? [finding] : []),
    ...(expected === undefined ? [] : [`  expected: ${expected}`, `  came:     ${came}`]),
  ]
}

function hintLines({ hints = [] }: Check, wanted: number): string[] {
  const shown = hints.slice(0, wanted)
  return [
    ...shown.map((hint, index) => `Hint ${index + 1}: ${hint}`),
    ...(hints.length > shown.length ? [colours.dim(`Another hint: --hints ${wanted + 1}`)] : []),
  ]
}

/** What the attempt has printed, its last lines. */
export function printedLines(output: string, limit = 20): string[] {
  const lines = output.trimEnd().split('\n')
  const shown = lines.slice(-limit)
  const left = lines.length - shown.length
  return [
    left > 0 ? `It printed, after ${left} other lines:` : 'It printed:',
    ...shown.map((line) => colours.dim(`│ ${line}`)),
  ]
}
