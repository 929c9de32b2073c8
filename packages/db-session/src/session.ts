import { setImmediate as immediate } from 'node:timers/promises'
import type { QueryResult } from 'pg'
import { DbSessionError, notOnASession } from './errors.ts'
import * as wire from './pg-wire.ts'
import { type EventName, notAwaited, Scope, transactionFailed, transition } from './session-state.ts'
import { type Command, Transaction, type TransactionContext, withTimeout } from './transaction.ts'
import type { Log } from './types.ts'

/** How long a statement may go on after a failure before it is cancelled: most end within that. */
const GRACE_MS = 20

interface Job extends Command {
  readonly scope: Scope
  resolve(result: QueryResult): void
  reject(error: Error): void
  isSettled: boolean
}

type EndEvent = 'commit' | 'finish' | 'abort'
type State =
  | { readonly name: 'idle' | 'ended' }
  | { readonly name: 'busy'; readonly job: Job }
  | { readonly name: 'committing' | 'finishing'; readonly done: Promise<void> }

export interface SessionContext extends TransactionContext {
  readonly log: Log
  readonly isUnit: boolean
  /** Called once everything is over, the functions given to `afterCommit` included. */
  onEnded(): void
}

/** Runs statements in order, in one transaction after the other. `session-state.ts` has the table of its states. */
export class Session {
  readonly root = new Scope()
  readonly context: SessionContext
  /** Something is committed before the end, so the work must not run again. */
  hasCommittedEarly = false

  #state: State = { name: 'idle' }
  #transaction: Transaction | undefined
  readonly #queue: Job[] = []
  /** Units of work that its owner waits for. */
  readonly #units = new Set<Session>()
  /** Why it ended, or is about to end, if it was aborted. */
  #reason: DbSessionError | undefined
  readonly #watchers: (() => void)[] = []
  readonly #afterwards: Promise<unknown>[] = []
  #onEnded = (): void => {}

  constructor(context: SessionContext) {
    this.context = context
  }

  get state() {
    return this.#state.name
  }

  get isOpen(): boolean {
    return this.#transaction?.isOpen === true
  }

  /** Returns true if it holds a connection, or waits for one. */
  get needsConnection(): boolean {
    return this.#transaction !== undefined
  }

  /** The row stream under way, if there is one. */
  get stream(): wire.Statement | undefined {
    const statement = this.#state.name === 'busy' ? this.#state.job.statement : undefined
    return statement && wire.isSubmittable(statement) ? statement : undefined
  }

  /** Runs a statement after those before it. */
  async submit(scope: Scope, statement: wire.Statement): Promise<QueryResult> {
    const refusal = this.#refusal('statement', scope.refusal)
    if (refusal === undefined) return this.#enqueue('query', scope, statement)
    wire.failUnsent(statement, refusal)
    throw refusal
  }

  /** Runs `work` in a savepoint, which rolls back if `work` throws or leaves something under way. */
  async savepoint<T>(parent: Scope, work: (scope: Scope) => Promise<T>): Promise<T> {
    if (this.#mustWait()) {
      parent.waiting++
      await this.#untilFree()
      parent.waiting--
      if (parent.isClosed) parent.failure ??= notAwaited('a savepoint')
      this.#notify()
    }
    const refusal = this.#refusal('savepoint', parent.refusal)
    if (refusal) throw refusal
    const scope = new Scope(parent)
    try {
      await this.#control(parent, `SAVEPOINT ${scope.name}`)
      const result = await work(scope)
      scope.isClosed = true
      while (!this.#isQuiet(scope)) {
        const forgotten = await this.#settle(scope)
        if (forgotten !== undefined) throw notAwaited(forgotten)
      }
      if (scope.failure !== undefined) throw transactionFailed(scope.failure)
      if (scope.isRollbackOnly) await this.#undo(scope, parent)
      else {
        await this.#control(parent, `RELEASE SAVEPOINT ${scope.name}`)
        parent.afterCommit.push(...scope.afterCommit)
      }
      return result
    } catch (error) {
      await this.#undo(scope, parent)
      throw error
    } finally {
      parent.child = undefined
      this.#notify()
    }
  }

  /** Commits what was done so far. Rejects, and rolls everything back, if that cannot be done. */
  async commit(): Promise<void> {
    if (this.root.isClosed) throw this.#reason ?? new DbSessionError('DB_SESSION_OVER')
    // what is registered from here on belongs to the next transaction
    const afterCommit = this.root.afterCommit.splice(0)
    if (this.#state.name === 'committing' && this.#queue.length === 0) {
      await this.#state.done
      if (this.root.failure !== undefined) throw transactionFailed(this.root.failure)
      return this.#runAfterCommit(afterCommit)
    }
    while (!this.#isQuiet(this.root)) {
      const forgotten = await this.#settle(this.root)
      if (forgotten === undefined) continue
      const reason = notAwaited(forgotten)
      await this.abort(reason)
      throw reason
    }
    // the owner may have ended since: it waits for this commit
    const refusal = this.#refusal('commit', this.root.obstacle)
    if (refusal) {
      if (this.root.failure !== undefined && this.#state.name === 'idle')
        await this.#end('commit', (transaction) => transaction?.rollback())
      throw refusal
    }
    if (this.root.isRollbackOnly) throw notOnASession('`rollbackOnly()` was called before.')
    const hasWork = this.isOpen
    await this.#end('commit', (transaction) =>
      transaction?.commit().catch((error) => {
        // swallowed, it would let the response say that this is committed
        this.root.failure = error
        throw error
      }),
    )
    this.hasCommittedEarly ||= hasWork
    this.#runAfterCommit(afterCommit)
  }

  /** Commits, or rolls back if that was asked for, and ends. Rejects if not everything was committed. */
  async finish(): Promise<void> {
    this.root.isClosed = true
    for (const unit of this.#units) void unit.abort(notAwaited('the unit of work'))
    while (!this.#reason && !this.#isQuiet(this.root)) {
      const forgotten = await this.#settle(this.root)
      if (forgotten !== undefined) await this.abort(notAwaited(forgotten))
    }
    if (this.root.failure !== undefined) await this.abort(transactionFailed(this.root.failure))
    if (this.#reason) throw this.#reason
    if (this.root.isRollbackOnly) return this.abort(new DbSessionError('DB_SESSION_OVER'))
    await this.#end('finish', (transaction) => transaction?.commit())
    this.#runAfterCommit(this.root.afterCommit)
  }

  /** Refuses what waits, interrupts what runs after `graceMs`, rolls back and ends. Never rejects. */
  async abort(reason: DbSessionError, graceMs = GRACE_MS): Promise<void> {
    this.#reason ??= reason
    this.root.close()
    for (const job of this.#queue.splice(0)) this.#refuse(job, this.#reason)
    for (const unit of this.#units) void unit.abort(this.#reason)
    while (this.#state.name === 'committing') await this.#state.done
    const job = this.#state.name === 'busy' ? this.#state.job : undefined
    if (transition(this.#state.name, 'abort') === 'finishing')
      await this.#end('abort', async (transaction) => {
        if (job && transaction?.stopWaiting()) return this.#refuse(job, this.#reason as DbSessionError)
        if (job && transaction?.isOpen)
          await transaction.interrupt(job.statement, this.#settled(job), graceMs)
        else if (job) await this.#settled(job)
        await transaction?.rollback()
      })
    else if ('done' in this.#state) await this.#state.done
  }

  /** Ends together with a unit of work that its owner waits for. */
  adopt(unit: Session): void {
    this.#units.add(unit)
    unit.#onEnded = () => {
      this.#units.delete(unit)
      this.#notify()
    }
  }

  /** Rolls a savepoint back, whatever is still running in it. If that fails, its parent has failed. */
  async #undo(scope: Scope, parent: Scope): Promise<void> {
    scope.close()
    for (const job of this.#queue.filter((job) => job.scope.isPartOf(scope))) {
      this.#queue.splice(this.#queue.indexOf(job), 1)
      this.#refuse(job, new DbSessionError('DB_SESSION_OVER'))
    }
    // an aborted session, or what failed around this savepoint, rolls back as a whole
    if (parent.isClosed || parent.failure !== undefined) return
    const job = this.#state.name === 'busy' ? this.#state.job : undefined
    if (job?.scope.isPartOf(scope))
      await this.#transaction?.interrupt(job.statement, this.#settled(job), GRACE_MS)
    if (this.#transaction?.isUsable === false) {
      parent.failure ??= scope.failure ?? new DbSessionError('DB_SESSION_CONNECTION_LOST')
      return
    }
    const text = `ROLLBACK TO SAVEPOINT ${scope.name}; RELEASE SAVEPOINT ${scope.name}`
    await this.#control(parent, text).catch(() => {})
  }

  /** Sends a statement about a savepoint of a scope, which is allowed while the savepoint is open. */
  async #control(scope: Scope, text: string): Promise<void> {
    if (scope.isClosed) throw this.#reason ?? new DbSessionError('DB_SESSION_OVER')
    await this.#enqueue('savepoint', scope, { text })
  }

  #refusal(event: EventName, ofScope: DbSessionError | undefined): DbSessionError | undefined {
    const next = transition(this.#state.name, event)
    if (this.#reason) return this.#reason
    if (next === 'over') return new DbSessionError('DB_SESSION_OVER')
    return ofScope ?? (next === 'not awaited' ? notAwaited('a statement') : undefined)
  }

  #enqueue(kind: Job['kind'], scope: Scope, statement: wire.Statement): Promise<QueryResult> {
    return new Promise((resolve, reject) => {
      const job: Job = { kind, scope, statement, resolve, reject, isSettled: false }
      if (transition(this.#state.name, 'statement') === 'busy') this.#start(job)
      else this.#queue.push(job)
    })
  }

  async #start(job: Job): Promise<void> {
    this.#state = { name: 'busy', job }
    const { statement, kind, scope } = job
    const mayBeAlone = this.context.spec.isPerStatement && kind === 'query' && scope === this.root
    const isAlone = mayBeAlone && !this.isOpen && !wire.isSubmittable(statement)
    try {
      this.#transaction ??= new Transaction(this.context, () => this.#queue.length > 0)
      const result = await (isAlone ? this.#transaction.sendAlone(job) : this.#transaction.send(job))
      if (this.#transaction.hasEnded || endsTransaction(job, result))
        this.root.failure = scope.failure = new DbSessionError('DB_SESSION_ENDED_BY_STATEMENT')
      this.#onReply(job, () => job.resolve(result))
    } catch (error) {
      if (!isAlone) scope.failure ??= error
      this.#onReply(job, () => job.reject(this.#reason ?? (error as Error)))
    }
  }

  #onReply(job: Job, settle: () => void): void {
    job.isSettled = true
    if (transition(this.#state.name, 'reply') === 'idle') {
      if (!this.isOpen) this.#transaction = undefined
      this.#startNext()
    }
    settle()
    this.#notify()
  }

  #startNext(): void {
    this.#state = { name: 'idle' }
    for (let job = this.#queue.shift(); job; job = this.#queue.shift()) {
      const refusal = job.kind === 'query' ? job.scope.obstacle : undefined
      if (refusal === undefined) return void this.#start(job)
      this.#refuse(job, refusal)
    }
  }

  #refuse(job: Job, error: Error): void {
    job.isSettled = true
    wire.failUnsent(job.statement, error)
    job.reject(error)
  }

  /** Ends the transaction in the state that the event leads to, and leaves that state afterwards. */
  async #end(event: EndEvent, work: (transaction?: Transaction) => Promise<void> | undefined): Promise<void> {
    const name = transition(this.#state.name, event)
    if (name !== 'committing' && name !== 'finishing')
      throw new Error(`A session cannot ${event} now. This is a bug in db-session.`)
    const done = Promise.resolve(this.#transaction).then(work)
    this.#transaction = undefined
    this.#state = { name, done: done.catch(() => {}) }
    try {
      await done
    } finally {
      const next = transition(name, 'done')
      if (next === 'idle') this.#startNext()
      else {
        this.#state = { name: next as 'ended' }
        this.#onEnded()
        // the functions given to `afterCommit` start a moment later
        setImmediate(() => Promise.all(this.#afterwards).then(() => this.context.onEnded()))
      }
      this.#notify()
    }
  }

  /** Returns true during an early commit, and until the row stream that its consumer has left is closed. */
  #mustWait(): boolean {
    return this.#state.name === 'committing' || (this.stream !== undefined && wire.isLeft(this.stream))
  }

  async #untilFree(): Promise<void> {
    while (this.#mustWait()) {
      if (this.stream) wire.close(this.stream)
      await ('done' in this.#state ? this.#state.done : this.#changed())
    }
  }

  /** Waits for what is under way in a scope, and returns what nobody awaited, if there is such a thing. */
  async #settle(scope: Scope): Promise<string | undefined> {
    const giveUpAt = performance.now() + this.context.cancelTimeoutMs
    let forgotten: string | undefined
    for (;;) {
      await this.#untilFree()
      const pending = this.#pending(scope)
      if (pending === undefined) return forgotten
      forgotten ??= pending
      // another commit, which comes meanwhile, must not succeed
      scope.failure ??= notAwaited(forgotten)
      const restMs = giveUpAt - performance.now()
      // a row stream that nobody left waits for its consumer, not for Postgres
      if (restMs <= 0 || pending === 'a row stream') return forgotten
      await withTimeout(restMs, this.#changed(), undefined)
    }
  }

  /** Returns true if nothing is under way. Asked right before the state changes: nothing may come in between. */
  #isQuiet(scope: Scope): boolean {
    return this.#state.name !== 'committing' && this.#pending(scope) === undefined
  }

  #pending(scope: Scope): string | undefined {
    if (scope.child || scope.waiting > 0) return 'a savepoint'
    if (this.#state.name === 'busy' && this.#state.job.scope === scope)
      return this.stream ? 'a row stream' : 'a statement'
    return scope === this.root && this.#units.size > 0 ? 'a unit of work' : undefined
  }

  async #settled(job: Job): Promise<void> {
    while (!job.isSettled) await this.#changed()
  }

  /** Resolves when a statement is answered, when a savepoint or a unit of work ends, and when the state changes. */
  #changed(): Promise<void> {
    return new Promise((resolve) => void this.#watchers.push(resolve))
  }

  #notify(): void {
    for (const watcher of this.#watchers.splice(0)) watcher()
  }

  #runAfterCommit(functions: readonly (() => unknown)[]): void {
    const { log, timeline } = this.context
    for (const work of functions) {
      const logError = (err: unknown): void =>
        log.error({ err, owner: timeline.owner }, 'a function given to afterCommit failed')
      this.#afterwards.push(immediate().then(work).catch(logError))
    }
  }
}

/** COMMIT or ROLLBACK by hand, also with AND CHAIN. ROLLBACK TO has the tag of ROLLBACK. */
function endsTransaction({ kind, statement }: Job, result: QueryResult | QueryResult[] | undefined): boolean {
  if (kind === 'savepoint' || wire.isSubmittable(statement)) return false
  const isEnd = ({ command }: QueryResult): boolean =>
    command === 'COMMIT' || (command === 'ROLLBACK' && !/\brollback\b[^;]*\bto\b/i.test(statement.text))
  return [result ?? []].flat().some(isEnd)
}
