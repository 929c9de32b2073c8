import type { QueryConfig, QueryResult, Submittable } from 'pg'
import { cancel } from './cancel.ts'
import { DbSessionError, endsConnection, postgresError, translate } from './errors.ts'
import { type QueryCallback, sendBegin, sendFirst } from './first-query.ts'
import type { Work } from './options.ts'
import { endedByStatement, transactionFailed } from './scope.ts'
import type { PgConnection, Source, Ticket } from './source.ts'

/** A cursor that reads row by row, as knex makes them of pg-query-stream. */
export interface RowStream extends Submittable, NodeJS.ReadableStream {
  readonly destroyed: boolean
  readonly cursor: { readonly text: string; readonly values: readonly unknown[] | null }
  destroy(error?: Error): void
}
export type Query = QueryConfig | RowStream

export function isRowStream(query: Query): query is RowStream {
  return 'submit' in query
}

/** When BEGIN, COMMIT or ROLLBACK went out, for how long, and what came back. */
export type Verb = (
  kind: 'begin' | 'commit' | 'rollback',
  sql: string,
  startedAt: number,
  error?: Error,
) => void

const CANCEL_AGAIN_MS = 20

/** One transaction on one connection, from the first statement to the end. */
export class Transaction {
  readonly #source: Source
  readonly #work: Work
  readonly #counted: boolean
  readonly #report: Verb
  #ticket: Ticket | undefined
  #connection: PgConnection | undefined
  #left = false
  #discarded = false

  /** @param counted - whether it counts towards what requests may take of the pool */
  constructor(source: Source, work: Work, counted: boolean, report: Verb) {
    this.#source = source
    this.#work = work
    this.#counted = counted
    this.#report = report
  }

  /** Runs a statement; the one before must have been answered. */
  send(query: Query, callback: QueryCallback): void {
    if (this.#connection) {
      this.#send(this.#connection, query, callback)
      return
    }
    const asked = performance.now()
    this.#ticket = this.#source.acquire(this.#counted)
    this.#ticket.connection.then((connection) => {
      if (this.#left) return this.#source.release(connection, this.#counted)
      this.#connection = connection
      const begin = this.#source.verbs.begin(this.#work.begin)
      this.#report('begin', begin.join('; '), asked)
      if (!isRowStream(query)) return sendFirst(connection, begin, query, callback)
      sendBegin(connection, begin, (error) =>
        error ? callback(error) : this.#send(connection, query, callback),
      )
    }, callback)
  }

  #send(connection: PgConnection, query: Query, callback: QueryCallback): void {
    if (isRowStream(query)) this.#stream(connection, query, callback)
    else connection.query(query, callback)
  }

  #stream(connection: PgConnection, query: RowStream, callback: QueryCallback): void {
    if (query.destroyed) {
      callback(null)
      return
    }
    // a cursor whose connection dies never closes
    const lost = (): boolean => query.emit('error', new Error('Connection terminated unexpectedly'))
    connection.once('end', lost)
    let failed: Error | null = null
    query.once('error', (error: Error) => {
      failed = error
      if (this.lost) callback(error)
    })
    const over = (): void => {
      connection.off('end', lost)
      callback(failed)
    }
    // whoever has read all rows goes on before the cursor closes
    query.once('end', over)
    query.once('close', over)
    connection.query(query)
  }

  /** Whether a connection is held. */
  get open(): boolean {
    return this.#connection !== undefined
  }

  get lost(): boolean {
    return this.#connection !== undefined && this.#source.isLost(this.#connection)
  }

  /** Stops waiting for a connection. */
  leave(): void {
    this.#left = true
    this.#ticket?.leave()
  }

  /** Rejects unless Postgres answers COMMIT, with the tag COMMIT, in a transaction. */
  async commit(): Promise<void> {
    const connection = this.#connection as PgConnection
    // no COMMIT was sent, so the outcome is known
    if (this.lost) {
      await this.#source.discard(connection, this.#counted)
      throw new DbSessionError(
        'DB_SESSION_CONNECTION_LOST',
        'The connection to Postgres was lost before COMMIT: nothing was stored',
      )
    }
    if (connection.getTransactionStatus() === 'I') {
      this.#source.release(connection, this.#counted)
      throw endedByStatement()
    }
    const { commitTimeoutMs } = this.#work
    const late = new Error(`No answer to COMMIT within ${commitTimeoutMs} ms`)
    const answer = this.#last(connection, 'commit')
    const result = commitTimeoutMs === 0 ? await answer : await within(commitTimeoutMs, answer, late)
    if (!(result instanceof Error)) {
      this.#source.release(connection, this.#counted)
      if (result.command !== this.#source.verbs.committed) throw transactionFailed(undefined)
    } else if (postgresError(result) && !endsConnection(result)) {
      if (this.#source.verbs.undoFailedCommit) await this.#last(connection, 'rollback')
      this.#source.release(connection, this.#counted)
      throw translate(result)
    } else {
      await this.#source.discard(connection, this.#counted)
      throw new DbSessionError(
        'DB_SESSION_COMMIT_OUTCOME_UNKNOWN',
        'The connection was lost during COMMIT: whether anything was stored is not known',
        result,
      )
    }
  }

  /**
   * Never rejects: a connection on which ROLLBACK does not come back in time is closed, which undoes it too.
   *
   * @param running - the statement under way, and a promise of its end: it is cancelled first
   */
  async rollback(timeoutMs: number, running?: { query: Query; ended: Promise<void> }): Promise<void> {
    const connection = this.#connection as PgConnection
    const undo = async (): Promise<boolean> => {
      if (running) {
        if (isRowStream(running.query)) running.query.destroy()
        // a request that overtakes its statement finds nothing to cancel, so it is made again
        for (let ended = false; !ended && !this.#discarded; ) {
          await cancel(connection)
          ended = await within(
            CANCEL_AGAIN_MS,
            running.ended.then(() => true),
            false,
          )
        }
      }
      return !((await this.#last(connection, 'rollback')) instanceof Error)
    }
    if (await within(timeoutMs, undo(), false)) this.#source.release(connection, this.#counted)
    else {
      this.#discarded = true
      await this.#source.discard(connection, this.#counted)
    }
  }

  #last(connection: PgConnection, kind: 'commit' | 'rollback'): Promise<QueryResult | Error> {
    const startedAt = performance.now()
    const text = this.#source.verbs[kind]
    return new Promise((resolve) => {
      connection.query({ text }, (error: Error | null, result: QueryResult | QueryResult[]) => {
        this.#report(kind, text, startedAt, error ?? undefined)
        resolve(error ?? ([result].flat().at(-1) as QueryResult))
      })
    })
  }
}

/** What the work comes to, or the other value where that takes too long. */
export async function within<T, U>(ms: number, work: Promise<T>, otherwise: U): Promise<T | U> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<U>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
