import { DbSessionError, toDbSessionError } from './errors.ts'

export type StateName =
  | 'idle' // nothing is under way
  | 'busy' // a statement is under way, others may wait behind it
  | 'committing' // `commit()` is under way
  | 'finishing' // the last COMMIT or ROLLBACK is under way
  | 'ended' // everything is over

export type EventName =
  | 'statement' // a statement is submitted, by `query`, a builder, a row stream or a savepoint
  | 'reply' // the reply to the statement under way has arrived, and no other waits
  | 'savepoint' // a savepoint is requested
  | 'commit' // `commit()` is called
  | 'finish' // the owner ends well, so the session commits
  | 'abort' // the owner ends badly, or the client disconnected, so the session rolls back
  | 'done' // the COMMIT or the ROLLBACK under way is over

export type Transition =
  | StateName // the next state
  | 'wait' // until the state has changed
  | 'ignore' // the event changes nothing
  | 'over' // refused: the session has ended
  | 'not awaited' // refused: something was not awaited

const ENDING = { finish: 'finishing', abort: 'finishing' } as const
const REFUSED = { savepoint: 'not awaited', commit: 'not awaited', finish: 'not awaited' } as const
const DELAYED = { statement: 'wait', savepoint: 'wait', commit: 'wait', finish: 'wait' } as const
const OVER = { statement: 'over', savepoint: 'over', commit: 'over', reply: 'ignore' } as const

/** The transition of each state at each event. A pair that is not listed cannot occur. */
export const TRANSITIONS: Readonly<Record<StateName, Partial<Record<EventName, Transition>>>> = {
  idle: { statement: 'busy', savepoint: 'idle', commit: 'committing', ...ENDING },
  busy: { ...REFUSED, statement: 'wait', reply: 'idle', abort: 'finishing' },
  committing: { ...DELAYED, abort: 'wait', done: 'idle' },
  finishing: { ...OVER, abort: 'wait', done: 'ended' },
  ended: { ...OVER, abort: 'ignore' },
}

export function transition(state: StateName, event: EventName): Transition {
  const next = TRANSITIONS[state][event]
  if (next === undefined)
    throw new Error(`No ${event} can occur in the state ${state}. This is a bug in db-session.`)
  return next
}

/** The session itself, or one of its savepoints. Each statement belongs to one. */
export class Scope {
  readonly parent: Scope | undefined
  readonly depth: number
  readonly name: string
  /** The savepoint that is open in it. */
  child: Scope | undefined
  /** The number of savepoints that wait until they can begin in it. */
  waiting = 0
  isClosed = false
  isRollbackOnly = false
  /** The error of the statement that failed: Postgres takes no other one until this scope is rolled back. */
  failure: unknown
  afterCommit: (() => unknown)[] = []

  constructor(parent?: Scope) {
    this.parent = parent
    this.depth = parent ? parent.depth + 1 : 0
    this.name = `db_session_${this.depth}`
    if (parent) parent.child = this
  }

  get refusal(): DbSessionError | undefined {
    return this.isClosed ? new DbSessionError('DB_SESSION_OVER') : this.obstacle
  }

  /** Returns the reason why it cannot run a statement that was queued before. */
  get obstacle(): DbSessionError | undefined {
    if (this.child) return new DbSessionError('DB_SESSION_SAVEPOINT_OPEN')
    return this.failure === undefined ? undefined : transactionFailed(this.failure)
  }

  /** Throws if the scope is over, because whatever is registered in it would be ignored. */
  assertOpen(): this {
    if (this.isClosed) throw new DbSessionError('DB_SESSION_OVER')
    return this
  }

  /** Rejects further statements, also in its savepoints. */
  close(): void {
    this.isClosed = true
    this.child?.close()
  }

  /** Returns true if it is the other scope, or a savepoint in it. */
  isWithin(scope: Scope): boolean {
    return this === scope || this.parent?.isWithin(scope) === true
  }
}

export function notAwaited(pending: string): DbSessionError {
  const message = `Await everything that uses the session: ${pending} was still under way.`
  return new DbSessionError('DB_SESSION_NOT_AWAITED', undefined, message)
}

/** Creates the error for a commit, or a statement, after one that failed. */
export function transactionFailed(cause: unknown): DbSessionError {
  const known = toDbSessionError(cause)
  if (known && known.code !== 'DB_SESSION_QUERY_FAILED') return known
  return new DbSessionError('DB_SESSION_TRANSACTION_FAILED', cause)
}

/** Most statements contain none of these words. */
const MAY_BE_LOCAL = /\bset\b|set_config|advisory_xact/i
const LITERALS_AND_COMMENTS =
  /\be'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|\$(\w*)\$[\s\S]*?\$\1\$|"(?:[^"]|"")*"|--[^\n]*|\/\*(?:\/\*[\s\S]*?\*\/|[\s\S])*?\*\//gi
const TRANSACTION_LOCAL =
  /\bset\s+(?:local|transaction|constraints)\b|\bset_config\s*\((?![^()]*,\s*false\s*\))|\bpg_(?:try_)?advisory_xact_lock/i

/** Returns true if the statement sets something that ends with its transaction. */
export function isTransactionLocal(text: string): boolean {
  return MAY_BE_LOCAL.test(text) && TRANSACTION_LOCAL.test(text.replace(LITERALS_AND_COMMENTS, "''"))
}
