import colours from 'picocolors'
import { wrap } from './section.ts'
import type { State } from './state.ts'

const KEYS = {
  exercise: ['h hint', 'r run again', 'n next', 'l list', 's solution', 'x reset', 'q quit'],
  list: ['↑ ↓ move', 'enter open', 'l back', 'q quit'],
  solution: ['y put it into exercise/', '↑ ↓ scroll', 'any other key: back'],
  end: ['l list', 'q quit'],
} as const

/** The keys that do something now, or the question that is to be answered. */
export function footOf({ page, question }: State, columns: number): string[] {
  if (question) return wrap(colours.yellow(`${question}  y yes · any other key: no`), columns)
  return wrap(KEYS[page].map((key) => key.replace(/^\S+(?: ↓)?/, colours.bold)).join(' · '), columns)
}
