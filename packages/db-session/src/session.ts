import type { QueryResult } from 'pg'
import { DbSessionError, postgresError } from './errors.ts'
import type { QueryCallback } from './first-query.ts'
import { answer, endsTransaction, type Job } from './job.ts'
import type { Settings, Work } from './options.ts'
import type { Recorder } from './recorder.ts'
import { isRowStream, type Query } from './row-stream.ts'
import { endedByStatement, newScope, notAwaited, refusal, type Scope, transactionFailed } from './scope.ts'
import type { Source } from './source.ts'
import type { Held } from './standby.ts'
import { Transaction } from './transaction.ts'
import { within } from './within.ts'

export type Ended = 'committed' | 'rolled back' | 'unused'

/**
 * Transactions one after the other, each begun by its first statement; statements one after the other, as pg
 * takes them. Knows nothing of HTTP, of Fastify or of knex's builders.
 */
export class Session {
  readonly root: Scope = newScope()
  readonly recorder: Recorder
  /** How many connections its work may hold already. */
  readonly level: number
  /** Whether the replica has served any of it, in the primary's place. */
  onReplica = false
  readonly #source: Source
  readonly #work: Work
  readonly #cancelTimeoutMs: number
  readonly #offer: (() => Promise<Held | undefined>) | undefined
  #transaction: Transaction | undefined
  #running: Job | undefined
  readonly #queue: Job[] = []
  #aborted: DbSessionError | undefined
  #ending: Promise<Ended> | undefined
  #onIdle: (() => void) | undefined

  /** @param offer - a connection to be used rather than one of `source`, if there is one */
  constructor(
    source: Source,
    work: Work,
    level: number,
    settings: Settings,
    recorder: Recorder,
    offer?: () => Promise<Held | undefined>,
  ) {
    this.recorder = recorder
    this.#source = source
    this.#work = work
    this.level = level
    this.#cancelTimeoutMs = settings.cancelTimeoutMs
    this.#offer =
      offer &&
      (async () => {
        const held = await offer()
        this.onReplica ||= held !== undefined
        return held
      })
  }

  /** Whether a transaction is open in Postgres. */
  get open(): boolean {
    return this.#transaction?.open === true
  }

  /** Whether a connection is held, or waited for. */
  get holding(): boolean {
    return this.#transaction !== undefined
  }

  /** Whether a statement or a savepoint is under way. */
  get busy(): boolean {
    return this.#running !== undefined || this.root.child !== undefined
  }

  /** Whether rows are being read through a cursor. */
  get streaming(): boolean {
    return this.#running !== undefined && isRowStream(this.#running.query)
  }

  /** Runs a statement after those before it. */
  run(scope: Scope, query: Query, callback: QueryCallback): void {
    const job: Job = { kind: 'query', query, scope, callback, startedAt: 0 }
    const reason = this.#aborted ?? refusal(scope)
    if (reason) queueMicrotask(() => answer(job, reason))
    else if (this.#running) this.#queue.push(job)
    else this.#start(job)
  }

  /** Opens a savepoint's scope; nothing is sent yet. */
  enter(parent: Scope): Scope {
    const reason = this.#aborted ?? refusal(parent) ?? (this.#running && notAwaited())
    if (reason) throw reason
    parent.child = newScope(parent)
    return parent.child
  }

  /** A statement about a savepoint itself: it runs where others are refused. */
  async savepoint(scope: Scope, text: string): Promise<void> {
    if (this.#aborted) throw this.#aborted
    if (this.#running) throw notAwaited()
    await new Promise<void>((resolve, reject) => {
      const callback: QueryCallback = (error) => (error ? reject(error) : resolve())
      this.#start({ kind: 'savepoint', query: { text }, scope, callback, startedAt: 0 })
    })
  }

  /** Stores what was done, and is as new. Rejects, with nothing stored, if that cannot be. */
  commit(): Promise<Ended> {
    const { failed } = this.root
    const reason = this.#aborted ?? (this.busy ? notAwaited() : undefined)
    if (reason) return rejectAfter(this.abort(reason), reason)
    if (failed !== undefined) return rejectAfter(this.rollback(), transactionFailed(failed))
    if (!this.#transaction?.open) return UNUSED
    return this.#end('committed', this.#transaction.commit())
  }

  /** Undoes what was done, and is as new. Never rejects. */
  async rollback(): Promise<Ended> {
    if (this.#ending) return this.#ending.catch(() => 'rolled back')
    if (this.busy) this.#stop(notAwaited())
    const running = this.#running && { query: this.#running.query, ended: this.#idle() }
    if (!this.#transaction?.open) return 'unused'
    return this.#end('rolled back', this.#transaction.rollback(this.#cancelTimeoutMs, running))
  }

  /** Stops for good: what runs is cancelled, what waits is refused, all is undone. */
  async abort(reason: DbSessionError): Promise<void> {
    this.#stop(reason)
    await this.rollback()
  }

  /** Takes no statement from now on. */
  close(): void {
    this.root.over = true
  }

  #end(as: Ended, work: Promise<void>): Promise<Ended> {
    this.recorder.busy()
    const anew = (): void => {
      this.#ending = undefined
      this.#transaction = undefined
      this.root.failed = undefined
      this.root.rollbackOnly = false
    }
    this.#ending = work.then(
      () => {
        anew()
        return as
      },
      (error) => {
        anew()
        throw error
      },
    )
    return this.#ending
  }

  /** Waits for the statement under way, for as long as a cancelled one is waited for. */
  async settled(): Promise<void> {
    if (this.#running) await within(this.#cancelTimeoutMs, this.#idle(), undefined)
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve
    })
  }

  #stop(reason: DbSessionError): void {
    this.#aborted ??= reason
    for (const job of this.#queue.splice(0)) answer(job, this.#aborted)
    if (this.#transaction?.open) return
    this.#transaction?.leave()
    if (this.#running) this.#settle(this.#running, this.#aborted)
  }

  #start(job: Job): void {
    this.#running = job
    if (this.#transaction?.open) this.recorder.busy()
    job.startedAt = performance.now()
    this.#transaction ??= new Transaction(this.#source, this.#work, this.level, this.recorder, this.#offer)
    this.#transaction.send(job.query, (error, result) => this.#settle(job, error, result))
  }

  #settle(job: Job, error: Error | null, result?: QueryResult): void {
    // pg reports a value that it cannot send, and then the end of that statement
    if (this.#running !== job) return
    this.#running = undefined
    const outcome = error && this.#outcome(job, error)
    if (!error && job.kind === 'query' && endsTransaction(job.query, result)) {
      this.root.failed = job.scope.failed = endedByStatement()
    }
    this.recorder.statement(job.kind, job.query, job.startedAt, error ?? undefined, result)
    this.#next()
    answer(job, outcome, result)
  }

  /** An error of Postgres dooms the transaction, or the savepoint; one of pg, a value it cannot send, does not. */
  #outcome(job: Job, error: Error): Error {
    if (this.#aborted) return this.#aborted
    const lost = this.#transaction?.lost === true && !postgresError(error)
    if (lost) {
      error = new DbSessionError(
        'DB_SESSION_CONNECTION_LOST',
        'The connection to Postgres was lost: nothing was stored',
        error,
      )
    }
    if (lost || postgresError(error)) job.scope.failed ??= error
    return error
  }

  #next(): void {
    for (let job = this.#queue.shift(); job; job = this.#queue.shift()) {
      const reason = refusal(job.scope)
      if (reason) answer(job, reason)
      else {
        this.#start(job)
        return
      }
    }
    this.#onIdle?.()
  }
}

const UNUSED: Promise<Ended> = Promise.resolve('unused')

async function rejectAfter(work: Promise<unknown>, reason: Error): Promise<never> {
  await work
  throw reason
}
