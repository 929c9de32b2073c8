import { setImmediate as immediate } from 'node:timers/promises'
import type { QueryResult } from 'pg'
import { DbSessionError, notOnASession } from './errors.ts'
import * as wire from './pg-wire.ts'
import { type EventName, notAwaited, Scope, transactionFailed, transition } from './session-state.ts'
import { type Command, Transaction, type TransactionContext, withTimeout } from './transaction.ts'
import type { Log } from './types.ts'

/** The time that a statement may go on after a failure before it is cancelled: most end within that. */
const GRACE_MS = 20

interface QueuedStatement extends Command {
  readonly scope: Scope
  resolve(result: QueryResult): void
  reject(error: Error): void
  isSettled: boolean
}

type EndEvent = 'commit' | 'finish' | 'abort'
type State =
  | { readonly name: 'idle' | 'ended' }
  | { readonly name: 'busy'; readonly running: QueuedStatement }
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
  /** True if something is committed before the end: its owner must not run again. */
  hasCommittedEarly = false

  #state: State = { name: 'idle' }
  #transaction: Transaction | undefined
  readonly #queue: QueuedStatement[] = []
  /** Units of work that its owner waits for. */
  readonly #units = new Set<Session>()
  /** The reason why it ended, or is about to end, if it was aborted. */
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
    const statement = this.#state.name === 'busy' ? this.#state.running.statement : undefined
    return statement && wire.isSubmittable(statement) ? statement : undefined
  }

  /** Queues a statement, which runs after those before it. */
  async submit(scope: Scope, statement: wire.Statement): Promise<QueryResult> {
    const refusal = this.#findRefusal('statement', scope.refusal)
    if (refusal === undefined) return this.#enqueue('query', scope, statement)
    wire.failUnsent(statement, refusal)
    throw refusal
  }

  /** Runs `work` in a savepoint, which rolls back if `work` throws or leaves something under way. */
  async savepoint<T>(parent: Scope, work: (scope: Scope) => Promise<T>): Promise<T> {
    if (this.#mustWait()) {
      parent.waiting++
      await this.#waitUntilFree()
      parent.waiting--
      if (parent.isClosed) parent.failure ??= notAwaited('a savepoint')
      this.#notify()
    }
    const refusal = this.#findRefusal('savepoint', parent.refusal)
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
      if (scope.isRollbackOnly) await this.#rollBack(scope, parent)
      else {
        await this.#control(parent, `RELEASE SAVEPOINT ${scope.name}`)
        parent.afterCommit.push(...scope.afterCommit)
      }
      return result
    } catch (error) {
      await this.#rollBack(scope, parent)
      throw error
    } finally {
      parent.child = undefined
      this.#notify()
    }
  }

  /** Commits all statements so far. Rejects, and rolls them back, if that fails. */
  async commit(): Promise<void> {
    if (this.root.isClosed) throw this.#reason ?? new DbSessionError('DB_SESSION_OVER')
    // functions that are registered from here on belong to the next transaction
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
    const refusal = this.#findRefusal('commit', this.root.obstacle)
    if (refusal) {
      if (this.root.failure !== undefined && this.#state.name === 'idle')
        await this.#end('commit', (transaction) => transaction?.rollback())
      throw refusal
    }
    if (this.root.isRollbackOnly) throw notOnASession('`rollbackOnly()` was called before.')
    const hasWork = this.isOpen
    await this.#end('commit', (transaction) =>
      transaction?.commit().catch((error) => {
        // without this, a caller that ignores the error could still send a success
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

  /** Rejects queued statements, interrupts the running one after `graceMs`, rolls back and ends. Never rejects itself. */
  async abort(reason: DbSessionError, graceMs = GRACE_MS): Promise<void> {
    this.#reason ??= reason
    this.root.close()
    for (const queued of this.#queue.splice(0)) this.#refuse(queued, this.#reason)
    for (const unit of this.#units) void unit.abort(this.#reason)
    while (this.#state.name === 'committing') await this.#state.done
    const running = this.#state.name === 'busy' ? this.#state.running : undefined
    if (transition(this.#state.name, 'abort') === 'finishing')
      await this.#end('abort', async (transaction) => {
        if (running && transaction?.stopWaiting()) return this.#refuse(running, this.#reason ?? reason)
        if (running && transaction?.isOpen)
          await transaction.interrupt(running.statement, this.#waitUntilSettled(running), graceMs)
        else if (running) await this.#waitUntilSettled(running)
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

  /** Rolls a savepoint back, and interrupts its statements. If that fails, its parent has failed. */
  async #rollBack(scope: Scope, parent: Scope): Promise<void> {
    scope.close()
    for (const queued of this.#queue.filter((queued) => queued.scope.isWithin(scope))) {
      this.#queue.splice(this.#queue.indexOf(queued), 1)
      this.#refuse(queued, new DbSessionError('DB_SESSION_OVER'))
    }
    // an aborted session, or a scope that failed around this savepoint, rolls back as a whole
    if (parent.isClosed || parent.failure !== undefined) return
    const running = this.#state.name === 'busy' ? this.#state.running : undefined
    if (running?.scope.isWithin(scope))
      await this.#transaction?.interrupt(running.statement, this.#waitUntilSettled(running), GRACE_MS)
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

  #findRefusal(event: EventName, scopeRefusal: DbSessionError | undefined): DbSessionError | undefined {
    const next = transition(this.#state.name, event)
    if (this.#reason) return this.#reason
    if (next === 'over') return new DbSessionError('DB_SESSION_OVER')
    return scopeRefusal ?? (next === 'not awaited' ? notAwaited('a statement') : undefined)
  }

  #enqueue(kind: QueuedStatement['kind'], scope: Scope, statement: wire.Statement): Promise<QueryResult> {
    return new Promise((resolve, reject) => {
      const queued: QueuedStatement = { kind, scope, statement, resolve, reject, isSettled: false }
      if (transition(this.#state.name, 'statement') === 'busy') this.#start(queued)
      else this.#queue.push(queued)
    })
  }

  async #start(queued: QueuedStatement): Promise<void> {
    this.#state = { name: 'busy', running: queued }
    const { statement, kind, scope } = queued
    const mayBeAlone = this.context.spec.isPerStatement && kind === 'query' && scope === this.root
    const isAlone = mayBeAlone && !this.isOpen && !wire.isSubmittable(statement)
    try {
      this.#transaction ??= new Transaction(this.context, () => this.#queue.length > 0)
      const result = await (isAlone ? this.#transaction.sendAlone(queued) : this.#transaction.send(queued))
      if (this.#transaction.hasEnded || endsTransaction(queued, result))
        this.root.failure = scope.failure = new DbSessionError('DB_SESSION_ENDED_BY_STATEMENT')
      this.#onReply(queued, () => queued.resolve(result))
    } catch (error) {
      if (!isAlone) scope.failure ??= error
      this.#onReply(queued, () => queued.reject(this.#reason ?? (error as Error)))
    }
  }

  #onReply(queued: QueuedStatement, settle: () => void): void {
    queued.isSettled = true
    if (transition(this.#state.name, 'reply') === 'idle') {
      if (!this.isOpen) this.#transaction = undefined
      this.#startNext()
    }
    settle()
    this.#notify()
  }

  #startNext(): void {
    this.#state = { name: 'idle' }
    for (let queued = this.#queue.shift(); queued; queued = this.#queue.shift()) {
      const refusal = queued.kind === 'query' ? queued.scope.obstacle : undefined
      if (refusal === undefined) return void this.#start(queued)
      this.#refuse(queued, refusal)
    }
  }

  #refuse(queued: QueuedStatement, error: Error): void {
    queued.isSettled = true
    wire.failUnsent(queued.statement, error)
    queued.reject(error)
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

  async #waitUntilFree(): Promise<void> {
    while (this.#mustWait()) {
      if (this.stream) wire.close(this.stream)
      await ('done' in this.#state ? this.#state.done : this.#waitForChange())
    }
  }

  /** Waits until nothing is under way in a scope. Returns the kind of work that nobody awaited, if there was any. */
  async #settle(scope: Scope): Promise<string | undefined> {
    const giveUpAt = performance.now() + this.context.cancelTimeoutMs
    let forgotten: string | undefined
    for (;;) {
      await this.#waitUntilFree()
      const pending = this.#findPending(scope)
      if (pending === undefined) return forgotten
      forgotten ??= pending
      // a commit that is called in the meantime must not succeed
      scope.failure ??= notAwaited(forgotten)
      const restMs = giveUpAt - performance.now()
      // a row stream that is still being read waits for its consumer, not for Postgres
      if (restMs <= 0 || pending === 'a row stream') return forgotten
      await withTimeout(restMs, this.#waitForChange(), undefined)
    }
  }

  /** Returns true if nothing is under way. Called right before the state changes: nothing may come in between. */
  #isQuiet(scope: Scope): boolean {
    return this.#state.name !== 'committing' && this.#findPending(scope) === undefined
  }

  #findPending(scope: Scope): string | undefined {
    if (scope.child || scope.waiting > 0) return 'a savepoint'
    if (this.#state.name === 'busy' && this.#state.running.scope === scope)
      return this.stream ? 'a row stream' : 'a statement'
    return scope === this.root && this.#units.size > 0 ? 'a unit of work' : undefined
  }

  async #waitUntilSettled(queued: QueuedStatement): Promise<void> {
    while (!queued.isSettled) await this.#waitForChange()
  }

  /** Resolves when a statement gets its reply, when a savepoint or a unit of work ends, and when the state changes. */
  #waitForChange(): Promise<void> {
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

/** Returns true for a COMMIT or ROLLBACK by hand, also with AND CHAIN. ROLLBACK TO has the tag of ROLLBACK. */
function endsTransaction({ kind, statement }: Command, result: QueryResult | QueryResult[] | undefined) {
  if (kind === 'savepoint' || wire.isSubmittable(statement)) return false
  const isEnd = ({ command }: QueryResult): boolean =>
    command === 'COMMIT' || (command === 'ROLLBACK' && !/\brollback\b[^;]*\bto\b/i.test(statement.text))
  return [result ?? []].flat().some(isEnd)
}
