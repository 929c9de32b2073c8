import { DbSessionError, type DbSessionErrorCode, toDbSessionError } from './errors.ts'

/**
 * The states of a session:
 *
 * - `idle`: nothing is under way
 * - `busy`: a statement is under way, others may wait behind it
 * - `committing`: `commit()` is under way
 * - `finishing`: the last COMMIT or ROLLBACK is under way
 * - `ended`: everything is over
 */
export type StateName = 'idle' | 'busy' | 'committing' | 'finishing' | 'ended'

/**
 * The events of a session:
 *
 * - `statement`: a statement is submitted, by `query`, a builder, a row stream or a savepoint
 * - `reply`: the last statement that was submitted is answered
 * - `savepoint`: a savepoint is asked for
 * - `commit`: `commit()` is called
 * - `finish`: the owner ends well, so the session commits
 * - `abort`: the owner ends badly, or the client disconnected, so the session rolls back
 * - `done`: the COMMIT or the ROLLBACK under way is over
 */
export type EventName = 'statement' | 'reply' | 'savepoint' | 'commit' | 'finish' | 'abort' | 'done'

/** The next state; `wait`: handled once the state has changed; `ignore`: nothing to do; a code: refused with that error. */
export type Transition = StateName | 'wait' | 'ignore' | DbSessionErrorCode

/** What happens in each state at each event. A pair that is not listed cannot occur. */
export const TRANSITIONS: Readonly<Record<StateName, Partial<Record<EventName, Transition>>>> = {
  idle: {
    statement: 'busy',
    savepoint: 'idle',
    commit: 'committing',
    finish: 'finishing',
    abort: 'finishing',
  },
  busy: {
    statement: 'wait',
    reply: 'idle',
    savepoint: 'DB_SESSION_NOT_AWAITED',
    commit: 'DB_SESSION_NOT_AWAITED',
    finish: 'DB_SESSION_NOT_AWAITED',
    abort: 'finishing',
  },
  committing: {
    statement: 'wait',
    savepoint: 'wait',
    commit: 'wait',
    finish: 'wait',
    abort: 'wait',
    done: 'idle',
  },
  finishing: {
    statement: 'DB_SESSION_OVER',
    reply: 'ignore',
    savepoint: 'DB_SESSION_OVER',
    commit: 'DB_SESSION_OVER',
    finish: 'wait',
    abort: 'wait',
    done: 'ended',
  },
  ended: {
    statement: 'DB_SESSION_OVER',
    reply: 'ignore',
    savepoint: 'DB_SESSION_OVER',
    commit: 'DB_SESSION_OVER',
    finish: 'ignore',
    abort: 'ignore',
  },
}

/** Returns what an event does in a state. */
export function transition(state: StateName, event: EventName): Transition {
  const next = TRANSITIONS[state][event]
  if (next === undefined)
    throw new Error(`The event ${event} cannot occur in the state ${state}. This is a bug in db-session.`)
  return next
}

/** The session itself, or one of its savepoints: what a statement belongs to. */
export class Scope {
  readonly parent: Scope | undefined
  readonly depth: number
  /** The savepoint that is open in it. */
  child: Scope | undefined
  isClosed = false
  isRollbackOnly = false
  /** The error of the statement that failed: Postgres takes no other one until this scope is rolled back. */
  failure: unknown
  afterCommit: (() => unknown)[] = []

  constructor(parent?: Scope) {
    this.parent = parent
    this.depth = parent ? parent.depth + 1 : 0
  }

  /** Returns why it takes no statement, if it does not. */
  get refusal(): DbSessionError | undefined {
    if (this.isClosed) return over()
    if (this.child)
      return new DbSessionError(
        'DB_SESSION_SAVEPOINT_OPEN',
        'A savepoint is open: use the session that its function received, or await the savepoint first.',
      )
    return this.failure === undefined ? undefined : transactionFailed(this.failure)
  }

  /** Takes no more statements, and neither do the savepoints in it. */
  close(): void {
    this.isClosed = true
    this.child?.close()
  }

  /** Returns true for this scope and for those around it. */
  isWithin(scope: Scope): boolean {
    return this === scope || this.parent?.isWithin(scope) === true
  }
}

export function over(): DbSessionError {
  return new DbSessionError(
    'DB_SESSION_OVER',
    'The session has ended: await every statement before the response is sent, and use no session of an earlier run.',
  )
}

/** @param pending - what was not awaited: 'a statement', 'a savepoint' and so on */
export function notAwaited(pending: string): DbSessionError {
  return new DbSessionError(
    'DB_SESSION_NOT_AWAITED',
    `Await everything that uses the session: ${pending} was still under way, so the transaction was rolled back.`,
  )
}

/** Creates the error for a commit, or a statement, after one that failed. */
export function transactionFailed(cause: unknown): DbSessionError {
  const known = toDbSessionError(cause)
  if (known && known.code !== 'DB_SESSION_QUERY_FAILED') return known
  return new DbSessionError(
    'DB_SESSION_TRANSACTION_FAILED',
    'An earlier statement failed, so nothing can be committed. Let its error propagate, or run it in a savepoint.',
    cause,
  )
}

export function endedByStatement(): DbSessionError {
  return new DbSessionError(
    'DB_SESSION_ENDED_BY_STATEMENT',
    'A statement ended the transaction: leave COMMIT and ROLLBACK to the session.',
  )
}

/** A cheap first look: most statements contain none of these words. */
const MAY_BE_LOCAL = /\bset\b|set_config|advisory_xact/i
const LITERALS_AND_COMMENTS =
  /'(?:[^']|'')*'|\$(\w*)\$[\s\S]*?\$\1\$|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//g
const TRANSACTION_LOCAL =
  /\bset\s+(?:local|transaction|constraints)\b|\bset_config\s*\((?![^()]*,\s*false\s*\))|\bpg_(?:try_)?advisory_xact_lock/i

/**
 * Returns true if the statement sets something that ends with its transaction. In a session whose statements are
 * transactions of their own it would have no effect on the next one.
 */
export function isTransactionLocal(text: string): boolean {
  return MAY_BE_LOCAL.test(text) && TRANSACTION_LOCAL.test(text.replace(LITERALS_AND_COMMENTS, "''"))
}

export function needsTransaction(): DbSessionError {
  return new DbSessionError(
    'DB_SESSION_NEEDS_TRANSACTION',
    "The statement ends with its transaction, and in a session with mode 'read' each statement is a transaction of its own. Send settings with the option `begin`, or ask for one transaction with `isolation: 'repeatable read'`.",
  )
}
