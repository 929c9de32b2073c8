import { createInterface } from 'node:readline'

/** One check of a chapter, with its result. */
export interface Check {
  readonly sentence: string
  readonly state: 'passed' | 'failed' | 'not run'
  /** This and all below: only of a failed check. Names what the learner has probably done; `bad/<mistake>/` is an example. */
  readonly mistake?: string
  readonly finding?: string
  readonly expected?: string
  readonly came?: string
  /** The place in the attempt, from the chapter's folder: `exercise/app.ts:12:5`. */
  readonly place?: string
  /** Where to look, what to do, and nearly the code. */
  readonly hints?: readonly string[]
}

/** A check that runs. */
export type RunningCheck = Required<Pick<Check, 'sentence' | 'mistake' | 'hints'>>

/** A line that the process of a chapter's checks writes, as JSON. */
export type ReportMessage =
  | { readonly started: RunningCheck }
  | { readonly finished: Check }
  | { readonly ended: true }

/** The checks that the process has reported so far. */
export interface Report {
  readonly checks: readonly Check[]
  readonly running: RunningCheck | undefined
  readonly hasEnded: boolean
}

export const EMPTY_REPORT: Report = { checks: [], running: undefined, hasEnded: false }

/** Reads the lines of a process, and calls back after each of them. */
export function readReport(lines: NodeJS.ReadableStream, onChange: (report: Report) => void): void {
  let report = EMPTY_REPORT
  createInterface({ input: lines }).on('line', (line) => {
    report = addMessage(report, JSON.parse(line))
    onChange(report)
  })
}

function addMessage(report: Report, message: ReportMessage): Report {
  if ('started' in message) return { ...report, running: message.started }
  if ('finished' in message)
    return { ...report, checks: [...report.checks, message.finished], running: undefined }
  return { ...report, running: undefined, hasEnded: true }
}
