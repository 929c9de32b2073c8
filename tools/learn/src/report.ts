import { Parser, type Result } from 'tap-parser'

export interface Check {
  readonly sentence: string
  readonly state: 'passed' | 'failed' | 'not run'
  /** The rest is there where it does not hold. What has probably been done; `bad/<mistake>/` is an example. */
  readonly mistake?: string
  readonly finding?: string
  readonly expected?: string
  readonly came?: string
  /** Where in the attempt, from the chapter's folder: `exercise/app.ts:12:5`. */
  readonly place?: string
  /** From where to look, over what to do, to nearly the code. */
  readonly hints?: readonly string[]
}

/** What a check has said so far. */
export interface Report {
  readonly checks: readonly Check[]
  /** The check that is being looked at. */
  readonly now: string | undefined
  /** Whether it has come to its end. */
  readonly isOver: boolean
}

/** Reads the TAP of a check, and calls back with each thing that it says. */
export function readReport(tap: NodeJS.ReadableStream, onChange: (report: Report) => void): void {
  const checks: Check[] = []
  let now: string | undefined
  let isOver = false
  const changed = () => onChange({ checks: [...checks], now, isOver })
  const parser = new Parser()
  parser.on('assert', (result) => {
    checks.push(readCheck(result))
    now = undefined
    changed()
  })
  parser.on('comment', (line: string) => {
    if (line.trim() === '# the check is over') isOver = true
    else now = /^# now: (.*)/.exec(line)?.[1] ?? now
    changed()
  })
  tap.pipe(parser)
}

function readCheck({ ok, skip, name, diag }: Result): Check {
  if (ok) return { sentence: name, state: skip ? 'not run' : 'passed' }
  return { sentence: name, state: 'failed', ...pick(diag ?? {}) }
}

function pick({ mistake, finding, expected, came, place, hints }: Record<string, unknown>) {
  const members = { mistake, finding, expected, came, place, hints }
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
