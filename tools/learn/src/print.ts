import colours from 'picocolors'
import type { Chapter } from './chapters.ts'
import type { Verdict } from './check.ts'
import type { Claim } from './report.ts'

const MARKS = { holds: '✓', 'does not hold': '✗', 'not looked at': '·' } as const
const COLOURS = { holds: colours.green, 'does not hold': colours.red, 'not looked at': colours.dim } as const

/** A verdict as a learner reads it, with so many of the hints. */
export function textOf({ number, title }: Chapter, verdict: Verdict, hints: number): string {
  const { passed, claims, brokeOff, output } = verdict
  const failed = claims.find(({ state }) => state === 'does not hold')
  return [
    colours.bold(`${number} · ${title}`),
    ...claims.map(claimLine),
    ...(failed ? ['', ...details(failed), ...hintLines(failed, hints)] : []),
    ...(brokeOff ? ['', brokeOff] : []),
    ...(output.trim() ? ['', ...printedLines(output)] : []),
    ...(passed ? ['', 'Done: every claim holds.'] : []),
    '',
  ].join('\n')
}

export const claimLine = ({ state, sentence }: Claim) => COLOURS[state](`${MARKS[state]} ${sentence}`)

/** What was found where a claim does not hold. */
export function details({ finding, expected, came }: Claim): string[] {
  return [
    ...(finding ? [finding] : []),
    ...(expected === undefined ? [] : [`  expected: ${expected}`, `  came:     ${came}`]),
  ]
}

function hintLines({ hints = [] }: Claim, wanted: number): string[] {
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
