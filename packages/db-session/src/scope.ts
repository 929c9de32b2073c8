import { DbSessionError, translate } from './errors.ts'

/** The session itself, or a savepoint within it: what a statement is asked of. */
export interface Scope {
  readonly parent: Scope | undefined
  /** The savepoint open within it. */
  child: Scope | undefined
  over: boolean
  /** The error of the statement that failed: Postgres takes no other until this scope is rolled back. */
  failed: unknown
  rollbackOnly: boolean
  afterCommit: (() => unknown)[]
}

export function newScope(parent?: Scope): Scope {
  return { parent, child: undefined, over: false, failed: undefined, rollbackOnly: false, afterCommit: [] }
}

/** Why a scope takes no statement just now. */
export function refusal(scope: Scope): DbSessionError | undefined {
  if (scope.over) {
    return new DbSessionError(
      'DB_SESSION_OVER',
      'The session is over: run every statement, awaited, before the answer is sent',
    )
  }
  if (scope.child) {
    return new DbSessionError(
      'DB_SESSION_SAVEPOINT_OPEN',
      'A savepoint is open: use the session that its work was given, or await it first',
    )
  }
  return scope.failed === undefined ? undefined : transactionFailed(scope.failed)
}

/** For a commit, or a statement, after one that failed. */
export function transactionFailed(cause: unknown): DbSessionError {
  const known = translate(cause)
  if (known !== undefined && known.code !== 'DB_SESSION_QUERY_FAILED') return known
  return new DbSessionError(
    'DB_SESSION_TRANSACTION_FAILED',
    'A statement failed, so nothing can be stored: let its error out, or run it in a savepoint',
    cause,
  )
}

export function notAwaited(): DbSessionError {
  return new DbSessionError(
    'DB_SESSION_NOT_AWAITED',
    'A statement or a savepoint was still under way when the work ended, so all was undone: await each of them',
  )
}

export function endedByStatement(): DbSessionError {
  return new DbSessionError(
    'DB_SESSION_ENDED_BY_STATEMENT',
    'A statement of the work ended the transaction: leave COMMIT and ROLLBACK to the session',
  )
}
