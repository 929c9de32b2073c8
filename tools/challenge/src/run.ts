// Runs stages against a server, one check after the other.
import { Blocked, type Check, Failure, NotChecked, type Stage, toOutcome } from './check.ts'
import type { Subject } from './subject.ts'

/** `blocked`: something that the check builds on does not work. `not checked`: an option of the command is missing. */
export type State = 'passed' | 'failed' | 'blocked' | 'not checked'

export interface CheckResult {
  readonly check: Check
  readonly state: State
  /** Why it failed. */
  readonly failure?: Failure
  /** Why it could not be checked. */
  readonly reason?: string
  /** True if a request got no response. */
  readonly isSilent: boolean
  readonly durationMs: number
}

export interface StageResult {
  readonly stage: Stage
  readonly results: readonly CheckResult[]
  /** True if no check failed or was blocked. */
  readonly isPassed: boolean
  readonly durationMs: number
}

export interface RunOptions {
  /** Goes on after a stage that failed. */
  readonly isComplete: boolean
  /** Ends the run after the check under way. */
  readonly signal?: AbortSignal
  readonly onStage?: (result: StageResult) => void
  readonly onCheck?: (stage: Stage, check: Check) => void
}

/** After so many checks without a response, the run ends: each of them has waited for the whole timeout. */
const MAX_SILENT_CHECKS = 3
const GONE = 'The server does not respond, so the run has ended.'

/** Returns the results of the stages, up to the first that fails, or at which the server stops responding. */
export async function runStages(
  stages: readonly Stage[],
  subject: Subject,
  options: RunOptions,
): Promise<StageResult[]> {
  const stageResults: StageResult[] = []
  let silentChecks = 0
  let isGone = false
  for (const stage of stages) {
    const results: CheckResult[] = []
    for (const check of stage.checks) {
      if (options.signal?.aborted) return stageResults
      if (isGone) {
        results.push({ check, state: 'blocked', reason: GONE, isSilent: true, durationMs: 0 })
        continue
      }
      options.onCheck?.(stage, check)
      const result = await runCheck(check, subject)
      results.push(result)
      if (!result.isSilent) continue
      silentChecks += 1
      isGone = silentChecks === MAX_SILENT_CHECKS || !(await subject.responds())
    }
    const isPassed = results.every(({ state }) => state === 'passed' || state === 'not checked')
    const durationMs = results.reduce((sum, result) => sum + result.durationMs, 0)
    const result = { stage, results, isPassed, durationMs }
    stageResults.push(result)
    options.onStage?.(result)
    if (isGone || (!isPassed && !options.isComplete)) break
  }
  return stageResults
}

export async function runCheck(check: Check, subject: Subject): Promise<CheckResult> {
  const start = performance.now()
  const outcome = await run(check, subject)
  const durationMs = Math.round(performance.now() - start)
  if (outcome === undefined) return { check, state: 'passed', isSilent: false, durationMs }
  if (outcome instanceof NotChecked)
    return { check, state: 'not checked', reason: outcome.message, isSilent: false, durationMs }
  const { isSilent } = outcome
  if (outcome instanceof Blocked)
    return { check, state: 'blocked', reason: outcome.message, isSilent, durationMs }
  return { check, state: 'failed', failure: outcome, isSilent, durationMs }
}

async function run(check: Check, subject: Subject): Promise<Failure | Blocked | NotChecked | undefined> {
  try {
    await check.run(subject)
    return undefined
  } catch (error) {
    try {
      return toOutcome(error)
    } catch {
      // no response may end the grader, whatever is in it
      if (subject.lastSent === undefined) throw error
      return new Failure('a response that the grader can read', String(error), subject.lastSent)
    }
  }
}
