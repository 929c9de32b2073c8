import type { Program } from './program.ts'

/**
 * The model: a record of what a program did, made by its own code. It does not use the database session, so check.ts can
 * compare the two.
 */

/** A statement, a savepoint, or a callback of afterCommit. */
export interface Operation {
  /** The label of an `insert`'s row, or of an `afterCommit`'s callback. */
  readonly label: string | undefined
  readonly what: string
  /** The savepoint, if it is in one. */
  readonly scope: Scope | undefined
  readonly isSentAtOnce: boolean
  transaction: Transaction
  state: 'under way' | 'done' | 'failed'
  error?: unknown
}

/** A savepoint, or the outermost part of a transaction. */
export interface Scope {
  readonly parent: Scope | undefined
  /** Rolled back, whatever happens to the transaction. */
  rolledBack: boolean
  /** A statement failed in it, so it can only be rolled back. */
  failed: boolean
}

export interface Transaction {
  readonly root: Scope
  readonly operations: Operation[]
  /** `open` until the end of the request or unit of work decides. */
  fate: 'open' | 'committed' | 'rolled back' | 'either'
  /** Its id in Postgres, read by the first row or `look`. */
  xid?: string
}

/** Errors of statements that were never sent or whose session had ended. They do not fail the transaction. */
const REFUSALS = new Set([
  'DB_SESSION_OVER',
  'DB_SESSION_ABORTED',
  'DB_SESSION_SAVEPOINT_OPEN',
  'DB_SESSION_NOT_AWAITED',
  'DB_SESSION_NOT_ON_A_SESSION',
  'DB_SESSION_TRANSACTION_FAILED',
  'DB_SESSION_NEEDS_TRANSACTION',
  'DB_SESSION_POOL_EXHAUSTED',
  'DB_SESSION_UNAVAILABLE',
  'DB_SESSION_NESTED',
  'DB_SESSION_CLOSING',
])

export function getCode(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; depth++) {
    if ('code' in at && typeof at.code === 'string') return at.code
    at = 'nativeError' in at ? at.nativeError : at.cause
  }
  return ''
}

export function isRolledBack(scope: Scope | undefined): boolean {
  return scope !== undefined && (scope.rolledBack || isRolledBack(scope.parent))
}

/** Returns true if Postgres or the network ended the connection. */
function isLost(error: unknown): boolean {
  return /^(57P0|08|DB_SESSION_CONNECTION_LOST|ECONN|EPIPE)/.test(getCode(error))
}

/** One run of a handler, or of a unit of work. */
export class SessionTrace {
  readonly kind: 'request' | 'unit of work'
  /** True if each statement is a separate transaction: mode read at read committed. */
  readonly oneMessage: boolean
  readonly transactions: Transaction[] = []
  /** The savepoints of operations under way that must be awaited before the end. */
  readonly pending = new Set<{ readonly scope: Scope | undefined }>()
  /** Operations that reach the session some ticks later. */
  maybePending = 0
  /** How many operations were under way when the handler or the unit of work returned. */
  pendingAtEnd = 0
  maybePendingAtEnd = 0
  commitFailed = false
  rollbackOnly = false
  /** The code of the last rejection, or that the connection was lost. */
  refused: string | undefined

  constructor(kind: SessionTrace['kind'], oneMessage: boolean) {
    this.kind = kind
    this.oneMessage = oneMessage
    this.beginTransaction()
  }

  get transaction(): Transaction {
    return this.transactions.at(-1) as Transaction
  }

  /** Called at an early commit: later operations belong to the next transaction. */
  beginTransaction(): void {
    const next: Transaction = { root: createScope(), operations: [], fate: 'open' }
    const isLater = ({ state, isSentAtOnce }: Operation): boolean => state === 'under way' && !isSentAtOnce
    for (const operation of this.transactions.at(-1)?.operations.filter(isLater) ?? []) {
      operation.transaction.operations.splice(operation.transaction.operations.indexOf(operation), 1)
      operation.transaction = next
      next.operations.push(operation)
    }
    this.transactions.push(next)
  }

  /** Sends a statement. If it fails, its scope fails. */
  async statement<T>(
    what: string,
    scope: Scope | undefined,
    label: string | undefined,
    send: () => PromiseLike<T>,
    isSentAtOnce = true,
  ): Promise<T> {
    const transaction = this.transaction
    const operation: Operation = { label, what, transaction, scope, isSentAtOnce, state: 'under way' }
    transaction.operations.push(operation)
    try {
      const result = await this.wait(send, scope, isSentAtOnce)
      operation.state = 'done'
      return result
    } catch (error) {
      operation.state = 'failed'
      operation.error = error
      if (!this.oneMessage && !REFUSALS.has(getCode(error)))
        (operation.scope ?? operation.transaction.root).failed = true
      throw error
    }
  }

  /**
   * Runs an operation that must end before the session does.
   *
   * @param isSentAtOnce - false if a library reaches the session only some ticks later, perhaps after its end
   */
  async wait<T>(start: () => PromiseLike<T>, scope: Scope | undefined, isSentAtOnce = true): Promise<T> {
    const operation = { scope }
    if (isSentAtOnce) this.pending.add(operation)
    else this.maybePending++
    try {
      return await start()
    } catch (error) {
      const code = getCode(error)
      if (REFUSALS.has(code) || isLost(error)) this.refused = code || 'connection lost'
      throw error
    } finally {
      if (isSentAtOnce) this.pending.delete(operation)
      else this.maybePending--
    }
  }

  /** The reason why this session must not end in a success, if there is one. */
  get mustFail(): string | undefined {
    if (this.pendingAtEnd > 0) return 'a part of it was under way at its end'
    if (this.commitFailed) return 'one of its commits failed'
    if (this.transactions.some(({ root }) => root.failed)) return 'one of its statements failed'
    return undefined
  }

  /**
   * Called when the handler or the unit of work has returned.
   *
   * @param goesOn - true if the response is a row stream, which keeps the session open: operations under way may still end
   */
  returned(goesOn = false): void {
    // operations that are still under way in a savepoint that was rolled back have no effect
    const pending = [...this.pending].filter(({ scope }) => !isRolledBack(scope)).length
    this.pendingAtEnd = goesOn ? 0 : pending
    this.maybePendingAtEnd = goesOn ? pending + this.maybePending : this.maybePending
  }

  /** Sets the fate of the last transaction, unless an early commit has decided it. */
  end(fate: Exclude<Transaction['fate'], 'open'>): void {
    const { transaction } = this
    if (transaction.fate === 'open') {
      transaction.fate = this.rollbackOnly && fate === 'committed' ? 'rolled back' : fate
    }
  }
}

export function createScope(parent?: Scope): Scope {
  return { parent, rolledBack: false, failed: false }
}

/** The record of one request. */
export class Trace {
  readonly program: Program
  readonly sessions: SessionTrace[] = []
  /** Runs of the handler. */
  runs = 0
  /** The number of parts of the program that have not ended, including the handler. */
  active = 0
  /** The reason why the response may be an error although the program made no mistake that requires one. */
  excuse: string | undefined
  /** True if a backend was killed while it ran, perhaps its own. */
  mayBeKilled = false
  disconnected = false
  disconnect: () => void = () => {}
  /** The error that the last run of the handler threw. */
  thrown: unknown
  /** The handler returned a response below 400. */
  returned = false
  committedEarly = false
  /** Labels of callbacks after a commit that have run. */
  readonly called: string[] = []
  readonly violations: string[] = []
  response: { readonly status: number; readonly body: string } | undefined
  #labels = 0

  constructor(program: Program) {
    this.program = program
  }

  open(kind: SessionTrace['kind'], oneMessage = false): SessionTrace {
    const session = new SessionTrace(kind, oneMessage)
    this.sessions.push(session)
    return session
  }

  label(): string {
    return `${this.program.index}:${this.sessions.length}:${++this.#labels}`
  }

  /** Runs code of the program, and counts it until it has ended. */
  async track<T>(code: () => Promise<T>): Promise<T> {
    this.active++
    try {
      return await code()
    } finally {
      this.active--
    }
  }

  /** The session of the handler's last run, or of the hook if the hook failed. */
  get last(): SessionTrace | undefined {
    return this.sessions.findLast(({ kind }) => kind === 'request')
  }

  /** Describes the record, one transaction per line. */
  describe(): string {
    const lines = this.sessions.flatMap(({ kind, transactions }) =>
      transactions.map(({ operations, fate }) => {
        const list = operations.map(({ what, label = '', state, error }) =>
          [what, label, state, getCode(error)].filter(Boolean).join(' '),
        )
        return `  ${kind}, ${fate}: ${list.join(', ')}`
      }),
    )
    const response = this.response ? `${this.response.status} ${this.response.body.slice(0, 200)}` : 'none'
    return [`${this.runs} runs, response ${response}`, ...lines].join('\n')
  }
}
