import colours from 'picocolors'
import { wrap } from './section.ts'
import type { State } from './state.ts'

const KEYS = {
  exercise: ['h hint', 'r run again', 'n next', 'l list', 's solution', 'x reset', 'q quit'],
  list: ['↑ ↓ move', 'enter open', 'l back', 'q quit'],
  solution: ['y copy it to exercise/', '↑ ↓ scroll', 'any other key: back'],
  end: ['l list', 'q quit'],
} as const

/** Shows the progress, and the keys of this page or the question to answer. */
export function viewFoot(state: State, columns: number): string[] {
  const { page, question } = state
  const keys = KEYS[page].map((key) => key.replace(/^\S+(?: ↓)?/, colours.bold)).join(' · ')
  const shownQuestion = question && colours.yellow(`${question}  y yes · any other key: no`)
  return [...viewProgress(state, columns), ...wrap(shownQuestion ?? keys, columns)]
}

function viewProgress({ chapters, passed }: State, columns: number): string[] {
  const words = `${passed.size} of ${chapters.length} chapters done`
  const width = Math.min(2 * chapters.length, columns - words.length - 2)
  if (width < 5) return wrap(words, columns)
  const full = Math.floor((passed.size / chapters.length) * width)
  return [`${colours.green('█'.repeat(full))}${colours.dim('░'.repeat(width - full))}  ${words}`]
}
