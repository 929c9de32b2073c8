import { setImmediate as immediate } from 'node:timers/promises'
import type { QueryResult } from 'pg'
import type { ConnectionPool } from './connection-pool.ts'
import { DbSessionError } from './errors.ts'
import type { Log, TransactionSpec } from './options.ts'
import {
  type Begin,
  close,
  describe,
  fail,
  isLeft,
  isSubmittable,
  type ReplyCallback,
  type Statement,
} from './pg-wire.ts'
import {
  type EventName,
  endedByStatement,
  isTransactionLocal,
  needsTransaction,
  notAwaited,
  over,
  Scope,
  type StateName,
  transactionFailed,
  transition,
} from './session-state.ts'
import type { Timeline } from './timeline.ts'
import {
  type Acquire,
  type Sendable,
  Transaction,
  type TransactionContext,
  withTimeout,
} from './transaction.ts'

/** How long a statement may go on after a failure before it is cancelled: most end within that. */
const GRACE_MS = 20

interface Job extends Sendable {
  readonly scope: Scope
  readonly callback: ReplyCallback
  /** It is a transaction of its own, so its error fails nothing else. */
  isAlone: boolean
  isSettled: boolean
}

/** The state, with what belongs to it. */
type State =
  | { readonly name: 'idle' | 'ended' }
  | { readonly name: 'busy'; readonly job: Job }
  | { readonly name: 'committing' | 'finishing'; readonly done: Promise<void> }

export interface SessionContext {
  readonly spec: TransactionSpec
  readonly timeline: Timeline
  readonly log: Log
  readonly cancelTimeoutMs: number
  /** 0 for a request, 1 for a unit of work, 2 for one inside a unit of work, and so on. */
  readonly level: number
  /** The pools to try, in order. The first that gives a connection serves the whole session. */
  readonly pools: readonly ConnectionPool[]
  extraBegin(): Begin | undefined
  /** Called if the first pool gives no connection. */
  onFallback(error: DbSessionError): void
  /** Called once everything is over, the functions given to `afterCommit` included. */
  onEnded(): void
}

/**
 * One session: statements in order, in one transaction after the other. `session-state.ts` has the table of what it
 * does in each state. It knows nothing of HTTP, of Fastify or of knex's builders.
 */
export class Session {
  readonly root = new Scope()
  readonly context: SessionContext
  /** Something is committed before the end, so the work must not run again. */
  hasCommittedEarly = false
  readonly #transactionContext: TransactionContext
  #pools: readonly ConnectionPool[]
  #state: State = { name: 'idle' }
  #transaction: Transaction | undefined
  readonly #queue: Job[] = []
  /** Units of work that its owner waits for. */
  readonly #units = new Set<Session>()
  /** Why it ended, or is about to end, if it was aborted. */
  #reason: DbSessionError | undefined
  #watchers: (() => void)[] = []
  #onEnded = (): void => {}
  readonly #afterwards: Promise<unknown>[] = []

  constructor(context: SessionContext) {
    this.context = context
    this.#pools = context.pools
    this.#transactionContext = {
      ...context,
      acquire: this.#acquire,
      extraBegin: () => context.extraBegin(),
      isBlocking: () => this.#queue.length > 0,
    }
  }

  get state(): StateName {
    return this.#state.name
  }

  /** Returns true if it holds a connection. */
  get isOpen(): boolean {
    return this.#transaction?.isOpen === true
  }

  /** Returns true if it holds a connection, or waits for one. */
  get needsConnection(): boolean {
    return this.#transaction !== undefined
  }

  /** Returns true if a row stream is under way. */
  get isStreaming(): boolean {
    return this.#state.name === 'busy' && isSubmittable(this.#state.job.statement)
  }

  /** Runs a statement after those before it. */
  submit(scope: Scope, statement: Statement, callback: ReplyCallback): void {
    const job: Job = { kind: 'query', statement, scope, callback, isAlone: false, isSettled: false }
    const refusal = this.#refusal('statement', scope)
    if (refusal) queueMicrotask(() => refuse(job, refusal))
    else this.#enqueue(job)
  }

  /** Runs `work` in a savepoint, which rolls back if `work` throws or leaves something under way. */
  async savepoint<T>(parent: Scope, work: (scope: Scope) => Promise<T>): Promise<T> {
    if (this.#state.name === 'committing') await this.#untilCommitted()
    const refusal = this.#refusal('savepoint', parent)
    if (refusal) throw refusal
    const scope = new Scope(parent)
    parent.child = scope
    const name = `s${scope.depth}`
    try {
      await this.#control(parent, `SAVEPOINT ${name}`)
      const result = await this.#runInSavepoint(scope, name, work)
      if (!scope.isRollbackOnly) parent.afterCommit.push(...scope.afterCommit)
      return result
    } finally {
      scope.close()
      parent.child = undefined
      this.#notify()
    }
  }

  /** Commits what was done so far. Rejects, and rolls everything back, if that cannot be done. */
  async commit(): Promise<void> {
    if (this.root.isRollbackOnly)
      throw new DbSessionError(
        'DB_SESSION_NOT_ON_A_SESSION',
        '`rollbackOnly()` was called, so there is nothing to commit.',
      )
    const pending = await this.#settle(this.root)
    if (pending !== undefined) {
      const reason = notAwaited(pending)
      await this.abort(reason)
      throw reason
    }
    const refusal = this.#refusal('commit', this.root)
    if (refusal) {
      if (this.isOpen) await this.#end('commit', () => this.#takeTransaction()?.rollback())
      throw refusal
    }
    const hasWork = this.isOpen
    try {
      await this.#end('commit', () => this.#takeTransaction()?.commit())
    } catch (error) {
      // swallowed, it would let the response say that this is committed
      this.root.failure = error
      this.root.afterCommit = []
      throw error
    }
    this.hasCommittedEarly ||= hasWork
    this.#runAfterCommit()
  }

  /** Commits, or rolls back if that was asked for, and ends. Rejects if not everything was committed. */
  async finish(): Promise<void> {
    this.root.isClosed = true
    for (const unit of this.#units) void unit.abort(notAwaited('the unit of work'))
    const pending = await this.#settle(this.root)
    if (pending !== undefined) await this.abort(notAwaited(pending))
    else if (this.root.failure !== undefined) await this.abort(transactionFailed(this.root.failure))
    if (this.#reason) throw this.#reason
    if (this.root.isRollbackOnly) {
      await this.abort(over())
      return
    }
    await this.#end('finish', () => this.#takeTransaction()?.commit())
    this.#runAfterCommit()
  }

  /**
   * Refuses what waits, interrupts what runs, rolls back and ends. Never rejects.
   *
   * @param reason - the error of the statement under way and of later ones
   * @param graceMs - how long the statement under way may go on before it is cancelled
   */
  async abort(reason: DbSessionError, graceMs = GRACE_MS): Promise<void> {
    this.#reason ??= reason
    this.root.close()
    for (const job of this.#queue.splice(0)) refuse(job, this.#reason)
    for (const unit of this.#units) void unit.abort(this.#reason)
    if (this.#state.name === 'committing') await this.#untilCommitted()
    const job = this.#state.name === 'busy' ? this.#state.job : undefined
    if (transition(this.#state.name, 'abort') === 'finishing')
      await this.#end('abort', () => this.#rollBack(job, graceMs))
    else if ('done' in this.#state) await this.#state.done
  }

  /** Asks Postgres to cancel the statement under way, whose session goes on. */
  async cancelStatement(): Promise<void> {
    await this.#transaction?.cancel()
  }

  /** Closes the row stream under way, if there is one: its rows are not needed. */
  closeStream(): void {
    if (this.#state.name === 'busy' && this.isStreaming) close(this.#state.job.statement)
  }

  /** Ends together with a unit of work that its owner waits for. */
  adopt(unit: Session): void {
    this.#units.add(unit)
    unit.#onEnded = () => {
      this.#units.delete(unit)
      this.#notify()
    }
  }

  async #runInSavepoint<T>(scope: Scope, name: string, work: (scope: Scope) => Promise<T>): Promise<T> {
    const parent = scope.parent as Scope
    try {
      const result = await work(scope)
      scope.isClosed = true
      const pending = await this.#settle(scope)
      if (pending !== undefined) throw notAwaited(pending)
      if (scope.failure !== undefined) throw transactionFailed(scope.failure)
      if (scope.isRollbackOnly) await this.#undo(scope, name)
      else await this.#control(parent, `RELEASE SAVEPOINT ${name}`)
      return result
    } catch (error) {
      await this.#undo(scope, name)
      throw error
    }
  }

  /** Rolls a savepoint back, whatever is still running in it. If that fails, its parent has failed. */
  async #undo(scope: Scope, name: string): Promise<void> {
    const parent = scope.parent as Scope
    scope.close()
    for (const job of this.#queue.filter((job) => job.scope.isWithin(scope))) {
      this.#queue.splice(this.#queue.indexOf(job), 1)
      refuse(job, over())
    }
    // an aborted session, or a savepoint around this one, rolls back as a whole
    if (parent.isClosed) return
    const state = this.#state
    if (state.name === 'busy' && state.job.scope.isWithin(scope)) {
      await this.#transaction?.interrupt({ ...state.job, settled: this.#settled(state.job) }, GRACE_MS)
      if (this.#state === state) {
        this.root.failure ??= new DbSessionError(
          'DB_SESSION_STATEMENT_TIMEOUT',
          'A statement of a savepoint could not be cancelled, so everything is rolled back.',
        )
        return
      }
    }
    await this.#control(parent, `ROLLBACK TO SAVEPOINT ${name}; RELEASE SAVEPOINT ${name}`).catch(() => {})
  }

  /** Sends a statement about a savepoint, which is allowed while the savepoint is open. */
  async #control(scope: Scope, text: string): Promise<void> {
    if (this.#reason) throw this.#reason
    await new Promise<void>((resolve, reject) => {
      const callback: ReplyCallback = (error) => (error ? reject(error) : resolve())
      this.#enqueue({
        kind: 'savepoint',
        statement: { text },
        scope,
        callback,
        isAlone: false,
        isSettled: false,
      })
    })
  }

  #refusal(event: EventName, scope: Scope): DbSessionError | undefined {
    const next = transition(this.#state.name, event)
    if (this.#reason) return this.#reason
    if (next === 'DB_SESSION_OVER') return over()
    if (next === 'DB_SESSION_NOT_AWAITED') return notAwaited('a statement')
    return scope.refusal
  }

  #enqueue(job: Job): void {
    if (transition(this.#state.name, 'statement') === 'busy') this.#start(job)
    else this.#queue.push(job)
  }

  #start(job: Job): void {
    this.#state = { name: 'busy', job }
    const callback: ReplyCallback = (error, result) => this.#onReply(job, error, result)
    const { isPerStatement } = this.context.spec
    job.isAlone =
      isPerStatement &&
      !this.isOpen &&
      job.kind === 'query' &&
      !job.scope.parent &&
      !isSubmittable(job.statement)
    if (job.isAlone && isTransactionLocal(describe(job.statement).text)) {
      queueMicrotask(() => callback(needsTransaction()))
      return
    }
    this.#transaction ??= new Transaction(this.#transactionContext)
    if (job.isAlone) this.#transaction.sendAlone(job, callback)
    else this.#transaction.send(job, callback)
  }

  #onReply(job: Job, error: Error | null, result?: QueryResult): void {
    job.isSettled = true
    if (transition(this.#state.name, 'reply') === 'idle') {
      if (error && !job.isAlone) job.scope.failure ??= error
      else if (!error && endsTransaction(job, result))
        this.root.failure = job.scope.failure = endedByStatement()
      if (!this.isOpen) this.#transaction = undefined
      this.#startNext()
      job.callback(error, result)
    } else job.callback(error && (this.#reason ?? error), result)
    this.#notify()
  }

  #startNext(): void {
    this.#state = { name: 'idle' }
    for (let job = this.#queue.shift(); job; job = this.#queue.shift()) {
      const refusal = job.kind === 'query' ? job.scope.refusal : undefined
      if (refusal === undefined) {
        this.#start(job)
        return
      }
      refuse(job, refusal)
    }
  }

  /** Ends a transaction in the state that the event leads to, and leaves that state afterwards. */
  async #end(event: 'commit' | 'finish' | 'abort', work: () => Promise<void> | undefined): Promise<void> {
    let leave = (): void => {}
    const done = new Promise<void>((resolve) => {
      leave = resolve
    })
    this.#state = { name: transition(this.#state.name, event) as 'committing' | 'finishing', done }
    try {
      await work()
    } finally {
      if (transition(this.#state.name, 'done') === 'ended') this.#becomeEnded()
      else this.#startNext()
      leave()
    }
  }

  #becomeEnded(): void {
    this.#state = { name: 'ended' }
    this.#onEnded()
    // what follows a commit starts later in `finish`, so it is looked at in the next turn
    setImmediate(() => Promise.all(this.#afterwards).then(() => this.context.onEnded()))
  }

  async #rollBack(job: Job | undefined, graceMs: number): Promise<void> {
    const transaction = this.#takeTransaction()
    if (transaction?.isOpen)
      await transaction.rollback(job && { ...job, settled: this.#settled(job) }, graceMs)
    else if (job && transaction?.stopWaiting()) {
      job.isSettled = true
      refuse(job, this.#reason as DbSessionError)
    } else if (job) await this.#settled(job)
  }

  #takeTransaction(): Transaction | undefined {
    const transaction = this.#transaction
    this.#transaction = undefined
    return transaction
  }

  /** Waits for an early commit, whose error its caller gets. */
  async #untilCommitted(): Promise<void> {
    while (this.#state.name === 'committing') await this.#state.done
  }

  /**
   * Waits for what is under way in a scope. Returns what nobody awaited, if there is such a thing. A row stream that
   * its consumer has left was awaited: its cursor is closed here.
   */
  async #settle(scope: Scope): Promise<string | undefined> {
    const giveUpAt = performance.now() + this.context.cancelTimeoutMs
    let forgotten: string | undefined
    for (;;) {
      if (this.#state.name === 'committing') await this.#untilCommitted()
      const pending = this.#pending(scope)
      if (pending === undefined) return forgotten
      const statement = this.#state.name === 'busy' ? this.#state.job.statement : undefined
      const isClosing = statement !== undefined && isLeft(statement)
      if (isClosing) close(statement)
      else forgotten ??= pending
      const restMs = giveUpAt - performance.now()
      // a row stream that nobody left waits for its consumer, not for Postgres
      if (restMs <= 0 || (pending === 'a row stream' && !isClosing)) return forgotten ?? pending
      await withTimeout(restMs, this.#changed(), undefined)
    }
  }

  #pending(scope: Scope): string | undefined {
    if (this.#state.name === 'busy' && this.#state.job.scope.isWithin(scope))
      return isSubmittable(this.#state.job.statement) ? 'a row stream' : 'a statement'
    if (scope.child) return 'a savepoint'
    return scope === this.root && this.#units.size > 0 ? 'a unit of work' : undefined
  }

  /** Resolves when a statement is answered, or a savepoint or a unit of work ends. */
  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#watchers.push(resolve)
    })
  }

  async #settled(job: Job): Promise<void> {
    while (!job.isSettled) await this.#changed()
  }

  #notify(): void {
    if (this.#watchers.length === 0) return
    for (const watcher of this.#watchers.splice(0)) watcher()
  }

  #acquire: Acquire = (take) => {
    const [pool, ...others] = this.#pools as [ConnectionPool, ...ConnectionPool[]]
    let stop = pool.acquire(this.context.level, (error, lease) => {
      if (error && others.length > 0) {
        this.context.onFallback(error)
        this.#pools = others
        stop = this.#acquire(take)
      } else {
        if (lease) this.#pools = [pool]
        take(error, lease)
      }
    })
    return () => stop()
  }

  #runAfterCommit(): void {
    const { log, timeline } = this.context
    for (const work of this.root.afterCommit.splice(0)) {
      const logError = (err: unknown): void =>
        log.error({ err, owner: timeline.owner }, 'a function given to afterCommit failed')
      this.#afterwards.push(immediate().then(work).catch(logError))
    }
  }
}

/** Answers a statement that was not sent. */
function refuse({ statement, callback }: Job, error: Error): void {
  if (isSubmittable(statement)) fail(statement, error)
  callback(error)
}

/** COMMIT or ROLLBACK by hand. ROLLBACK TO has the tag of ROLLBACK. */
function endsTransaction({ kind, statement }: Job, result: QueryResult | QueryResult[] | undefined): boolean {
  if (kind === 'savepoint' || isSubmittable(statement)) return false
  return [result ?? []].flat().some(({ command }) => {
    if (command === 'COMMIT') return true
    return command === 'ROLLBACK' && !/\brollback\b[^;]*\bto\b/i.test(statement.text)
  })
}
