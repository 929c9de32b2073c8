import type { Chapter } from '../chapters.ts'
import type { Verdict } from '../check-attempt.ts'
import type { Files } from '../exercise.ts'
import type { Report } from '../report.ts'
import type { TypeProblem } from './types.ts'

/** Everything that the screen shows. */
export interface State {
  readonly chapters: readonly Chapter[]
  /** The numbers of the chapters that have passed. */
  readonly passed: ReadonlySet<string>
  readonly chapter: Chapter
  readonly task: string
  /** The files to write, and those of them that do not exist. */
  readonly files: readonly string[]
  readonly missing: readonly string[]
  /** The checks that run, if they do. */
  readonly running: Running | undefined
  /** The verdict on the files as they were last saved. */
  readonly verdict: Verdict | undefined
  /** Why the checks could not be started. */
  readonly problem: string | undefined
  /** How many hints are shown, and the mistake to which they belong. */
  readonly hints: number
  readonly hintsFor: string | undefined
  readonly typeProblems: readonly TypeProblem[]
  /** A sentence on what has just happened. */
  readonly notice: string | undefined
  readonly page: Page
  /** The line of the list that Enter opens. */
  readonly selected: number
  readonly solution: Files
  readonly question: string | undefined
  readonly checksOnSave: boolean
}

export const INITIAL = {
  task: '',
  files: [],
  missing: [],
  running: undefined,
  verdict: undefined,
  problem: undefined,
  hints: 0,
  hintsFor: undefined,
  typeProblems: [],
  notice: undefined,
  page: 'exercise',
  selected: 0,
  solution: {},
  question: undefined,
} as const

export type Page = 'exercise' | 'list' | 'solution' | 'end'

export interface Running {
  readonly report: Report
  /** When the check that runs now was started. */
  readonly since: number
  /** The sentences of the last verdict, which are likely to come again. */
  readonly expected: readonly string[]
}

export function findFailedCheck({ verdict }: Pick<State, 'verdict'>) {
  return verdict?.checks.find(({ state }) => state === 'failed')
}

/** Returns the check that hints are about: the one that runs, or the one that failed. */
export function findOpenCheck({ running, verdict }: Pick<State, 'running' | 'verdict'>) {
  return running ? running.report.running : findFailedCheck({ verdict })
}

/** Returns the hints that the learner has asked for. */
export function readShownHints(state: State): readonly string[] {
  const check = findOpenCheck(state)
  const isAsked = check?.mistake !== undefined && check.mistake === state.hintsFor
  return isAsked ? (check.hints ?? []).slice(0, state.hints) : []
}

/** Returns how long the check that runs has been running, in whole seconds. */
export const readSeconds = ({ since }: Running) => Math.floor((Date.now() - since) / 1_000)

/** Returns the next open chapter. After the last one, the search starts again with the first. */
export function findNextOpen({ chapters, passed, chapter }: Pick<State, 'chapters' | 'passed' | 'chapter'>) {
  const index = chapters.indexOf(chapter)
  const others = [...chapters.slice(index + 1), ...chapters.slice(0, index)]
  return others.find(({ number }) => !passed.has(number))
}
