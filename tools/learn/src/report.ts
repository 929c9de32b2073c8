import { Parser, type Result } from 'tap-parser'

export interface Claim {
  readonly sentence: string
  readonly state: 'holds' | 'does not hold' | 'not looked at'
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
  readonly claims: readonly Claim[]
  /** The claim that is being looked at. */
  readonly now: string | undefined
  /** Whether it has come to its end. */
  readonly isOver: boolean
}

/** Reads the TAP of a check, and calls back with each thing that it says. */
export function readReport(tap: NodeJS.ReadableStream, onChange: (report: Report) => void): void {
  const claims: Claim[] = []
  let now: string | undefined
  let isOver = false
  const changed = () => onChange({ claims: [...claims], now, isOver })
  const parser = new Parser()
  parser.on('assert', (result) => {
    claims.push(claimOf(result))
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

function claimOf({ ok, skip, name, diag }: Result): Claim {
  if (ok) return { sentence: name, state: skip ? 'not looked at' : 'holds' }
  return { sentence: name, state: 'does not hold', ...pick(diag ?? {}) }
}

function pick({ mistake, finding, expected, came, place, hints }: Record<string, unknown>) {
  const members = { mistake, finding, expected, came, place, hints }
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined))
}
