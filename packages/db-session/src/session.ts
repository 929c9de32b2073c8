import type { QueryConfig, QueryResult, Submittable } from 'pg'
import { cancel } from './cancel.ts'
import { DbSessionError, endsConnection, postgresError, translate } from './errors.ts'
import { type QueryCallback, sendBegin, sendFirst } from './first-query.ts'
import type { Work } from './options.ts'
import type { PgConnection, Source, Ticket } from './source.ts'

/** One statement on its way: a text with its values, or a cursor that reads row by row. */
interface Job {
  readonly query: QueryConfig | RowStream
  readonly scope: Scope
  readonly callback: QueryCallback
}

/** pg-query-stream's cursor, which pg lets run on a connection. */
export interface RowStream extends Submittable, NodeJS.ReadableStream {
  destroy(error?: Error): void
}

/** The session itself, or a savepoint within it: what a statement is asked of. */
export interface Scope {
  readonly parent: Scope | undefined
  /** The savepoint open within it. */
  child: Scope | undefined
  over: boolean
  /** The statement that failed: Postgres refuses all others until this scope is rolled back. */
  failed: unknown
  rollbackOnly: boolean
  afterCommit: (() => unknown)[]
}

export type Ended = 'committed' | 'rolled back' | 'unused'

/** A transaction that begins with the first statement. Knows nothing of HTTP, of Fastify or of knex's builders. */
export class Session {
  readonly root: Scope = newScope(undefined)
  readonly #source: Source
  readonly #work: Work
  /** Whether it counts towards what requests may take of the pool. */
  readonly #counted: boolean
  readonly #cancelTimeoutMs: number
  #ticket: Ticket | undefined
  #connection: PgConnection | undefined
  #running: Job | undefined
  readonly #queue: Job[] = []
  #aborted: DbSessionError | undefined
  #idle: (() => void) | undefined
  #ending: Promise<Ended> | undefined

  constructor(source: Source, work: Work, mayUseReserve: boolean, cancelTimeoutMs: number) {
    this.#source = source
    this.#work = work
    this.#counted = !mayUseReserve
    this.#cancelTimeoutMs = cancelTimeoutMs
  }

  /** Runs a statement after those before it; pg takes one at a time. */
  run(scope: Scope, query: QueryConfig | RowStream, callback: QueryCallback): void {
    const refusal = this.#refusal(scope)
    const job = { query, scope, callback }
    if (refusal) queueMicrotask(() => refuse(job, refusal))
    else if (this.#running) this.#queue.push(job)
    else this.#start(job)
  }

  openSavepoint(parent: Scope): Scope {
    const refusal = this.#refusal(parent)
    if (refusal) throw refusal
    parent.child = newScope(parent)
    return parent.child
  }

  /** A statement of the session's own, about a savepoint: it runs where others are refused. */
  command(scope: Scope, text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#aborted) return reject(this.#aborted)
      // only a statement that nobody awaited can still run here
      if (this.#running) return reject(notAwaited())
      const callback: QueryCallback = (error) => {
        if (error === null) return resolve()
        ;(scope.parent ?? scope).failed ??= error
        reject(error)
      }
      this.#start({ query: { text }, scope, callback })
    })
  }

  /** Whether a statement, or a savepoint, is still under way. */
  get busy(): boolean {
    return this.#running !== undefined || this.root.child !== undefined
  }

  /** Whether rows are being read through a cursor. */
  get streaming(): boolean {
    return this.#running !== undefined && isRowStream(this.#running.query)
  }

  /** Stores what was done, and is as new. Rejects, with nothing stored, unless Postgres says COMMIT. */
  async commit(): Promise<Ended> {
    if (this.busy) {
      await this.abort(notAwaited())
      throw notAwaited()
    }
    const { failed, rollbackOnly } = this.root
    if (failed !== undefined || rollbackOnly) {
      const ended = await this.rollback()
      if (failed !== undefined) throw transactionFailed(failed)
      return ended
    }
    if (this.#connection === undefined) return 'unused'
    this.#ending = this.#commit(this.#connection)
    return this.#ending
  }

  /** Undoes what was done, and is as new. Never rejects: a connection on which that fails is closed, which undoes it too. */
  async rollback(): Promise<Ended> {
    if (this.#ending) return this.#ending.catch(() => 'rolled back')
    if (this.busy) this.#stop(notAwaited())
    if (this.#connection === undefined) return 'unused'
    this.#ending = this.#undo(this.#connection)
    return this.#ending
  }

  /** Stops at once, for good: the statement that runs is cancelled, those not yet sent are refused, all is undone. */
  async abort(reason: DbSessionError): Promise<void> {
    this.#stop(reason)
    await this.rollback()
  }

  /** No statement is taken from now on. */
  close(): void {
    this.root.over = true
  }

  #stop(reason: DbSessionError): void {
    this.#aborted ??= reason
    this.#ticket?.leave()
    for (const job of this.#queue.splice(0)) refuse(job, reason)
    // without a connection the statement is still waiting for one
    if (this.#running && this.#connection === undefined) this.#settle(this.#running, reason)
  }

  async #commit(connection: PgConnection): Promise<Ended> {
    const result = await this.#last(connection, 'COMMIT', this.#work.commitTimeoutMs)
    this.#renew()
    if (!(result instanceof Error)) {
      this.#source.release(connection, this.#counted)
      if (result.command !== 'COMMIT') throw transactionFailed(undefined)
      return 'committed'
    }
    if (postgresError(result) && !endsConnection(result)) {
      this.#source.release(connection, this.#counted)
      throw translate(result)
    }
    await this.#source.discard(connection, this.#counted)
    throw new DbSessionError(
      'DB_SESSION_COMMIT_OUTCOME_UNKNOWN',
      'The connection was lost during COMMIT: whether anything was stored is not known',
      result,
    )
  }

  async #undo(connection: PgConnection): Promise<Ended> {
    let undone = false
    const undoing = async (): Promise<void> => {
      if (this.#running) {
        const idle = new Promise<void>((resolve) => {
          this.#idle = resolve
        })
        if (isRowStream(this.#running.query)) this.#running.query.destroy()
        await cancel(connection)
        await idle
      }
      const result = await this.#last(connection, 'ROLLBACK', 0)
      undone = !(result instanceof Error)
    }
    await within(this.#cancelTimeoutMs, undoing())
    this.#renew()
    if (undone) this.#source.release(connection, this.#counted)
    else await this.#source.discard(connection, this.#counted)
    return 'rolled back'
  }

  #renew(): void {
    this.#connection = undefined
    this.#ticket = undefined
    this.#ending = undefined
    this.root.failed = undefined
    this.root.rollbackOnly = false
  }

  #refusal(scope: Scope): DbSessionError | undefined {
    if (this.#aborted) return this.#aborted
    if (scope.over)
      return new DbSessionError(
        'DB_SESSION_OVER',
        'The session is over: run every statement, awaited, before the answer',
      )
    if (scope.child)
      return new DbSessionError(
        'DB_SESSION_SAVEPOINT_OPEN',
        'A savepoint is open: ask the session that it was given',
      )
    if (scope.failed !== undefined) return transactionFailed(scope.failed)
    return undefined
  }

  #start(job: Job): void {
    this.#running = job
    if (this.#connection) return this.#send(this.#connection, job)
    this.#ticket = this.#source.acquire(this.#counted)
    this.#ticket.connection.then(
      (connection) => {
        if (this.#aborted) return this.#source.release(connection, this.#counted)
        this.#connection = connection
        this.#sendFirst(connection, job)
      },
      (error) => this.#settle(job, error),
    )
  }

  #send(connection: PgConnection, job: Job): void {
    const { query } = job
    if (isRowStream(query)) {
      query.on('close', () => this.#settle(job, null))
      query.on('error', (error: Error) => this.#failed(job, error))
      connection.query(query)
    } else
      connection.query(query, (error: Error | null, result: QueryResult) => this.#settle(job, error, result))
  }

  #sendFirst(connection: PgConnection, job: Job): void {
    const { query } = job
    if (isRowStream(query)) {
      sendBegin(connection, this.#work.begin, (error) =>
        error ? this.#settle(job, error) : this.#send(connection, job),
      )
    } else sendFirst(connection, this.#work.begin, query, (error, result) => this.#settle(job, error, result))
  }

  /** An error of Postgres dooms the transaction; one of pg, a value it cannot send, does not. */
  #failed(job: Job, error: Error): Error {
    if (this.#connection === undefined) return error
    if (postgresError(error)) job.scope.failed ??= error
    else if (this.#source.isLost(this.#connection)) {
      error = new DbSessionError(
        'DB_SESSION_CONNECTION_LOST',
        'The connection to Postgres was lost; nothing was stored',
        error,
      )
      job.scope.failed ??= error
    }
    return error
  }

  #settle(job: Job, error: Error | null, result?: QueryResult): void {
    if (this.#running !== job) return // pg may report one statement twice: a value it cannot send, then the end
    this.#running = undefined
    if (error) error = this.#failed(job, error)
    if (this.#aborted) error = this.#aborted
    const next = this.#queue.shift()
    if (next) {
      const refusal = this.#refusal(next.scope)
      if (refusal) {
        this.#running = next
        queueMicrotask(() => {
          this.#settle(next, refusal)
        })
      } else this.#start(next)
    } else this.#idle?.()
    if (isRowStream(job.query)) {
      if (error) job.query.destroy(error)
    } else job.callback(error, result)
  }

  async #last(connection: PgConnection, text: string, timeoutMs: number): Promise<QueryResult | Error> {
    const answer = new Promise<QueryResult | Error>((resolve) => {
      connection.query({ text }, (error: Error | null, result: QueryResult) => resolve(error ?? result))
    })
    if (timeoutMs === 0) return answer
    return (await within(timeoutMs, answer)) ?? new Error(`No answer to ${text} within ${timeoutMs} ms`)
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function newScope(parent: Scope | undefined): Scope {
  return { parent, child: undefined, over: false, failed: undefined, rollbackOnly: false, afterCommit: [] }
}

function isRowStream(query: QueryConfig | RowStream): query is RowStream {
  return 'submit' in query
}

function refuse(job: Job, reason: Error): void {
  if (isRowStream(job.query)) job.query.destroy(reason)
  else job.callback(reason)
}

function notAwaited(): DbSessionError {
  return new DbSessionError(
    'DB_SESSION_NOT_AWAITED',
    'A statement or a savepoint was still under way when the work ended: await each of them',
  )
}

export function transactionFailed(cause: unknown): DbSessionError {
  const known = translate(cause)
  if (known && known.code !== 'DB_SESSION_QUERY_FAILED') return known
  return new DbSessionError(
    'DB_SESSION_TRANSACTION_FAILED',
    'An earlier statement failed, so nothing can be stored: do not swallow its error, or run it in a savepoint',
    cause,
  )
}
