import colours from 'picocolors'
import type { Chapter } from './chapters.ts'
import type { Claim, Verdict } from './check.ts'

const MARKS = { holds: '✓', 'does not hold': '✗', 'not looked at': '·' } as const
const COLOURS = { holds: colours.green, 'does not hold': colours.red, 'not looked at': colours.dim } as const

/** A verdict as a learner reads it, with so many of the hints. */
export function textOf(
  { number, title }: Chapter,
  { passed, claims, output }: Verdict,
  hints: number,
): string {
  const lines = claims.map(({ state, sentence }) => COLOURS[state](`${MARKS[state]} ${sentence}`))
  const failed = claims.find(({ state }) => state === 'does not hold')
  return [
    colours.bold(`${number} · ${title}`),
    ...lines,
    ...(failed ? ['', ...details(failed, hints)] : []),
    ...(passed || failed ? [] : ['', 'The check broke off:', output.trim()]),
    ...(passed ? ['', 'Done: every claim holds.'] : []),
    '',
  ].join('\n')
}

function details({ finding, expected, came, hints = [] }: Claim, wanted: number): string[] {
  const shown = hints.slice(0, wanted)
  const more = hints.length - shown.length
  return [
    ...(finding ? [finding] : []),
    ...(expected === undefined ? [] : [`  expected: ${expected}`, `  came:     ${came}`]),
    ...shown.map((hint, index) => `Hint ${index + 1}: ${hint}`),
    ...(more > 0 ? [colours.dim(`Another hint: --hints ${wanted + 1}`)] : []),
  ]
}
