import colours from 'picocolors'
import { wrap } from './section.ts'
import type { State } from './state.ts'

const KEYS = {
  exercise: ['h hint', 'r run again', 'n next', 'l list', 's solution', 'x reset', 'q quit'],
  list: ['↑ ↓ move', 'enter open', 'l back', 'q quit'],
  solution: ['y put it into exercise/', '↑ ↓ scroll', 'any other key: back'],
  end: ['l list', 'q quit'],
} as const

/** How far one has come, and the keys that do something now, or the question that is to be answered. */
export function footOf(state: State, columns: number): string[] {
  const { page, question } = state
  const keys = KEYS[page].map((key) => key.replace(/^\S+(?: ↓)?/, colours.bold)).join(' · ')
  const asked = question && colours.yellow(`${question}  y yes · any other key: no`)
  return [...progressOf(state, columns), ...wrap(asked ?? keys, columns)]
}

function progressOf({ chapters, passed }: State, columns: number): string[] {
  const words = `${passed.size} of ${chapters.length} chapters done`
  const width = Math.min(2 * chapters.length, columns - words.length - 2)
  if (width < 5) return wrap(words, columns)
  const full = Math.floor((passed.size / chapters.length) * width)
  return [`${colours.green('█'.repeat(full))}${colours.dim('░'.repeat(width - full))}  ${words}`]
}
