import type { Chapter } from '../chapters.ts'
import type { Verdict } from '../check.ts'
import type { Files } from '../exercise.ts'
import type { Report } from '../report.ts'
import type { TypeFault } from './types.ts'

/** All that the screen shows. */
export interface State {
  readonly chapters: readonly Chapter[]
  /** The numbers of those that have passed. */
  readonly passed: ReadonlySet<string>
  readonly chapter: Chapter
  readonly task: string
  /** The files to write, and those of them that are not there. */
  readonly files: readonly string[]
  readonly missing: readonly string[]
  /** The check that runs, if one does. */
  readonly running: Running | undefined
  /** Of the files as they were saved last. */
  readonly verdict: Verdict | undefined
  /** Why no check could be run. */
  readonly problem: string | undefined
  /** How many hints are shown, and to which check they belong. */
  readonly hints: number
  readonly hintsFor: string | undefined
  readonly typeFaults: readonly TypeFault[]
  /** A sentence on what has just happened. */
  readonly notice: string | undefined
  readonly page: Page
  /** The line of the list that Enter takes. */
  readonly selected: number
  readonly solution: Files
  readonly question: string | undefined
  /** Whether saves are noticed. */
  readonly watches: boolean
}

/** Before anything has happened. */
export const EMPTY = {
  task: '',
  files: [],
  missing: [],
  running: undefined,
  verdict: undefined,
  problem: undefined,
  hints: 0,
  hintsFor: undefined,
  typeFaults: [],
  notice: undefined,
  page: 'exercise',
  selected: 0,
  solution: {},
  question: undefined,
} as const

export type Page = 'exercise' | 'list' | 'solution' | 'end'

export interface Running extends Report {
  readonly startedAt: number
  /** The sentences of the last check, which are likely to come again. */
  readonly expected: readonly string[]
}

export const findFailedCheck = ({ verdict }: Pick<State, 'verdict'>) =>
  verdict?.checks.find(({ state }) => state === 'failed')

/** The chapter to go on with after this one: the next that is open, from the beginning again after the last. */
export function nextOpen({ chapters, passed, chapter }: Pick<State, 'chapters' | 'passed' | 'chapter'>) {
  const index = chapters.indexOf(chapter)
  const others = [...chapters.slice(index + 1), ...chapters.slice(0, index)]
  return others.find(({ number }) => !passed.has(number))
}
