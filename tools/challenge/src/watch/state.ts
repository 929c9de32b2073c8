import type { Check, Stage } from '../check.ts'
import type { CheckResult, StageResult } from '../run.ts'

/** Everything that the screen shows. */
export interface State {
  readonly stages: readonly Stage[]
  /** The stage that the learner works on. */
  readonly stage: Stage
  /** True if the learner has chosen the stage. It stays until it passes. */
  readonly isChosen: boolean
  /** The latest result of each stage, by its number. */
  readonly results: ReadonlyMap<string, StageResult>
  /** The number of the last stage that was passed in an earlier run, or 00. */
  readonly reached: string
  /** The check that runs, if one does. */
  readonly running: Running | undefined
  /** Which of the failed checks is shown in detail. */
  readonly failure: number
  /** How many of its hints are shown. */
  readonly hints: number
  /** A sentence on what has just happened. */
  readonly notice: string | undefined
  /** Why the server could not be checked. */
  readonly problem: string | undefined
  readonly page: 'stage' | 'list'
  /** The line of the list that Enter opens. */
  readonly selected: number
}

export interface Running {
  readonly stage: Stage | undefined
  readonly check: Check | undefined
}

export const INITIAL = {
  isChosen: false,
  results: new Map<string, StageResult>(),
  running: undefined,
  failure: 0,
  hints: 0,
  notice: undefined,
  problem: undefined,
  page: 'stage',
  selected: 0,
} as const

/** Returns true if the stage passed in the latest run, or in an earlier one if it has not been checked since. */
export function isPassed(
  { results, reached }: Pick<State, 'results' | 'reached'>,
  { number }: Stage,
): boolean {
  return results.get(number)?.isPassed ?? number <= reached
}

export function listFailed({ results, stage }: Pick<State, 'results' | 'stage'>): readonly CheckResult[] {
  return results.get(stage.number)?.results.filter(({ state }) => state === 'failed') ?? []
}

/** Returns the failed check that is shown in detail. */
export function findShown(state: State): CheckResult | undefined {
  const failed = listFailed(state)
  return failed[Math.min(state.failure, failed.length - 1)]
}
