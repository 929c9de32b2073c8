// Runs stages against a server, one check after the other.
import { type Check, type Failure, NotChecked, type Stage, toOutcome } from './check.ts'
import type { Subject } from './subject.ts'

export type State = 'passed' | 'failed' | 'not checked'

export interface CheckResult {
  readonly check: Check
  readonly state: State
  /** Why it failed. */
  readonly failure?: Failure
  /** The option that is missing, if it was not checked. */
  readonly missing?: string
}

export interface StageResult {
  readonly stage: Stage
  readonly results: readonly CheckResult[]
  readonly isPassed: boolean
}

export interface RunOptions {
  /** Goes on after a stage that failed. */
  readonly isComplete: boolean
  /** Ends the run after the check under way. */
  readonly signal?: AbortSignal
  readonly onStage?: (result: StageResult) => void
  readonly onCheck?: (stage: Stage, check: Check) => void
}

/** Returns the results of the stages, up to the first that fails. */
export async function runStages(
  stages: readonly Stage[],
  subject: Subject,
  options: RunOptions,
): Promise<StageResult[]> {
  const stageResults: StageResult[] = []
  for (const stage of stages) {
    const results: CheckResult[] = []
    for (const check of stage.checks) {
      if (options.signal?.aborted) return stageResults
      options.onCheck?.(stage, check)
      results.push(await runCheck(check, subject))
    }
    const isPassed = results.every(({ state }) => state !== 'failed')
    const result = { stage, results, isPassed }
    stageResults.push(result)
    options.onStage?.(result)
    if (!isPassed && !options.isComplete) break
  }
  return stageResults
}

export async function runCheck(check: Check, subject: Subject): Promise<CheckResult> {
  try {
    await check.run(subject)
    return { check, state: 'passed' }
  } catch (error) {
    const outcome = toOutcome(error)
    if (outcome instanceof NotChecked) return { check, state: 'not checked', missing: outcome.message }
    return { check, state: 'failed', failure: outcome }
  }
}
