import { OwnError } from './interpreter.ts'
import { ROUTES } from './program.ts'
import { getCode, isRolledBack, type SessionTrace, type Trace, type Transaction } from './trace.ts'

/** A row as another connection sees it. */
export interface Row {
  readonly request: number
  readonly label: string
  readonly counter: number | null
  /** The transaction that inserted it, and the `begin` setting that this transaction had. */
  readonly xid: string
  readonly marker: string | null
}

/** Errors that a killed backend or a full pool gives to any request. */
const TRANSIENT = new Set([
  'DB_SESSION_CONNECTION_LOST',
  'DB_SESSION_UNAVAILABLE',
  'DB_SESSION_COMMIT_OUTCOME_UNKNOWN',
  'DB_SESSION_POOL_EXHAUSTED',
])

/** Checks a response when it has arrived: the rows that it acknowledges must be committed already. */
export function checkResponse(trace: Trace, rows: readonly Row[]): string[] {
  const violations: string[] = []
  const complain = (what: string): void => void violations.push(what)
  checkStatus(trace, complain)
  checkRetry(trace, complain)
  if (trace.response && trace.response.status < 400 && trace.last && !trace.last.rollbackOnly) {
    const stored = new Set(rows.map(({ label }) => label))
    for (const label of expected(trace.last.transaction)) {
      if (!isCallback(label) && !stored.has(label))
        complain(`the response was ${trace.response.status}, and ${label} was not committed yet`)
    }
  }
  return violations
}

function checkStatus(trace: Trace, complain: (what: string) => void): void {
  const { response, last, thrown, disconnected } = trace
  if (disconnected) return
  if (!response) {
    // a stream of rows breaks off if its backend is killed
    const isCut = trace.mayBeKilled && trace.program.end.kind === 'rows'
    if (!trace.excuse && !isCut) complain('there was no response')
    return
  }
  const { status, body } = response
  const code: string = status < 400 ? '' : (JSON.parse(body).code ?? '')
  if (status >= 400 && /select |insert |entries|taken/i.test(body))
    complain(`the response shows SQL: ${body}`)
  if (thrown instanceof OwnError) {
    if (status !== thrown.statusCode || code !== thrown.code) {
      complain(`the program threw its own ${thrown.statusCode}, and the response was ${status} ${code}`)
    }
  } else if (thrown || trace.runs === 0) {
    if (status < 400) complain(`the program threw, and the response was ${status}`)
  } else if (trace.returned && last?.mustFail) {
    if (status < 400) complain(`the response was ${status} although ${last.mustFail}`)
  } else {
    const { end, careful } = trace.program
    const intended = end.kind === 'rows' ? 200 : end.status
    const isExcused =
      trace.excuse !== undefined ||
      TRANSIENT.has(code) ||
      (!careful && (last?.refused !== undefined || (last?.maybePendingAtEnd ?? 0) > 0)) ||
      ('isolation' in ROUTES[trace.program.route] && code === 'DB_SESSION_SERIALIZATION')
    if (status !== intended && !(status >= 500 && isExcused) && !(status === 409 && isExcused)) {
      complain(`the program succeeded with ${intended}, and the response was ${status} ${code}`)
    }
    if (end.kind === 'rows' && status === 200 && body.split('\n').length - 1 !== end.rows) {
      complain(`the response has ${body.split('\n').length - 1} of ${end.rows} rows`)
    }
  }
}

function checkRetry(trace: Trace, complain: (what: string) => void): void {
  const { runs, program, response } = trace
  const route = ROUTES[program.route]
  const retry = 'retry' in route ? route.retry : 0
  if (runs > retry + 1) complain(`the handler ran ${runs} times, with \`retry: ${retry}\``)
  if (runs > 1 && program.hook.length > 0)
    complain('the handler ran again although a hook had used the session')
  const early = trace.sessions.some(
    (session) =>
      session.kind === 'request' && session !== trace.last && session.transactions.some(hasCommitted),
  )
  if (runs > 1 && early) complain('the handler ran again after an early commit')
  const isConflict = response?.status === 409 && /^40(001|P01)$/.test(getCode(trace.thrown))
  const mayRetry =
    runs <= retry && program.hook.length === 0 && !trace.committedEarly && !trace.excuse && !trace.mayBeKilled
  if (isConflict && mayRetry) complain(`a conflict in run ${runs} was not retried`)
}

interface Owner {
  readonly name: string
  readonly session: SessionTrace
  readonly fate: Transaction['fate']
}

/** Compares everything that a program did with everything that is stored, once no part of it is under way. */
export class Checker {
  /** The program's transaction that used each Postgres transaction, by the latter's id. */
  readonly #owners = new Map<string, Owner>()

  check(trace: Trace, rows: readonly Row[]): string[] {
    decide(trace)
    const violations: string[] = []
    const complain = (what: string): void => void violations.push(what)
    const index = String(trace.program.index)
    const stored = new Map(rows.map((row) => [row.label, row]))
    const called = new Set(trace.called)
    if (called.size < trace.called.length) complain('a callback after the commit ran twice')
    for (const { marker, label } of rows) {
      if (marker !== index) complain(`${label} was inserted with the \`begin\` setting '${marker}'`)
    }
    for (const [number, session] of trace.sessions.entries()) {
      for (const [part, transaction] of session.transactions.entries()) {
        const { operations, fate } = transaction
        for (const { state, what } of operations)
          if (state === 'under way') complain(`a statement hangs: ${what}`)
        const has = (label: string): boolean => stored.has(label) || called.has(label)
        const must = expected(transaction)
        const all = operations.flatMap(({ label }) => label ?? [])
        const present = all.filter(has)
        for (const label of present) {
          if (!must.includes(label)) complain(`${label} was rolled back or refused, and is stored`)
          if (fate === 'rolled back') complain(`${label} is stored, and its transaction was rolled back`)
        }
        const rowLabels = must.filter((label) => !isCallback(label))
        const missing = (fate === 'committed' ? must : rowLabels).filter((label) => !has(label))
        if (fate === 'committed') for (const label of missing) complain(`${label} was committed, and is lost`)
        if (fate === 'either' && rowLabels.some(has) && missing.length > 0) {
          complain(`a part of a transaction is stored: ${rowLabels.filter(has)}, not ${missing}`)
        }
        for (const label of all) {
          const xid = stored.get(label)?.xid
          stored.delete(label)
          if (xid) transaction.xid ??= xid
          if (xid && xid !== transaction.xid)
            complain(`${label} was stored in transaction ${xid}, not ${transaction.xid}`)
        }
        const name = `transaction ${part} of session ${number} of request ${index}`
        this.#own(transaction.xid, { name, session, fate }, complain)
      }
    }
    for (const label of stored.keys()) complain(`${label} is stored, and was never awaited or sent`)
    return violations
  }

  #own(xid: string | undefined, owner: Owner, complain: (what: string) => void): void {
    if (xid === undefined) return
    const other = this.#owners.get(xid)
    this.#owners.set(xid, owner)
    if (other === undefined) return
    // an early commit that was rejected has ended no transaction: statements before and after it rolled back together
    const isCommitted = [other, owner].some(({ fate }) => fate === 'committed')
    if (other.session === owner.session && !isCommitted) return
    complain(`one Postgres transaction served ${owner.name} and ${other.name}`)
  }
}

/** The labels of the rows and callbacks that a commit of the transaction makes permanent. */
function expected({ operations }: Transaction): string[] {
  return operations.flatMap(({ label, state, scope }) =>
    label !== undefined && state === 'done' && !isRolledBack(scope) ? label : [],
  )
}

/** Decides the fate of each transaction by the response, unless an early commit has decided it. */
function decide(trace: Trace): void {
  const { response, last } = trace
  for (const session of trace.sessions) {
    if (session.kind === 'unit of work') session.end('either')
    else if (session !== last) session.end('rolled back')
    else if (!response) session.end(trace.returned ? 'either' : 'rolled back')
    else if (response.status < 400) session.end('committed')
    else session.end(response.body.includes('DB_SESSION_COMMIT_OUTCOME_UNKNOWN') ? 'either' : 'rolled back')
  }
}

/** Returns true if the transaction committed a statement; a commit without one has no effect. */
function hasCommitted({ fate, operations }: Transaction): boolean {
  return fate === 'committed' && operations.some(({ what }) => what !== 'afterCommit')
}

/** Returns true for the label of a callback, which runs after the response. */
function isCallback(label: string): boolean {
  return label.endsWith('called')
}
