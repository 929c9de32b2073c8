import type { QueryResult } from 'pg'
import { cancel } from './cancel.ts'
import { DbSessionError, endsConnection, postgresError, translate } from './errors.ts'
import { begins, type QueryCallback, sendBegin, sendFirst, sendNext } from './first-query.ts'
import type { Work } from './options.ts'
import type { Ticket } from './queue.ts'
import type { Recorder } from './recorder.ts'
import { isRowStream, type Query, sendStream } from './row-stream.ts'
import { endedByStatement, transactionFailed } from './scope.ts'
import type { PgConnection, Source } from './source.ts'
import type { Held } from './standby.ts'
import { within } from './within.ts'

const CANCEL_AGAIN_MS = 20

/** One transaction on one connection, from the first statement to the end. */
export class Transaction {
  #source: Source
  readonly #work: Work
  readonly #level: number
  readonly #recorder: Recorder
  #ticket: Ticket | undefined
  #connection: PgConnection | undefined
  #discarded = false
  #left = false
  readonly #offer: (() => Promise<Held | undefined>) | undefined

  /**
   * @param level - how many connections the work may hold already
   * @param offer - a connection to be used rather than one of `source`, if there is one
   */
  constructor(
    source: Source,
    work: Work,
    level: number,
    recorder: Recorder,
    offer?: () => Promise<Held | undefined>,
  ) {
    this.#source = source
    this.#work = work
    this.#level = level
    this.#recorder = recorder
    this.#offer = offer
  }

  /** Runs a statement; the one before must have been answered. */
  send(query: Query, callback: QueryCallback): void {
    if (this.#connection) {
      this.#next(this.#connection, query, callback)
      return
    }
    const asked = performance.now()
    if (this.#offer) this.#take(this.#offer(), query, callback, asked)
    else this.#first(query, callback, asked)
  }

  async #take(
    offer: Promise<Held | undefined>,
    query: Query,
    callback: QueryCallback,
    asked: number,
  ): Promise<void> {
    const held = await offer
    if (this.#left) {
      if (held) await held.source.discard(held.connection, held.ticket)
    } else if (held) {
      this.#source = held.source
      this.#connection = held.connection
      this.#ticket = held.ticket
      this.#recorder.verb('begin', begins(this.#work.begin).text, asked)
      this.#next(held.connection, query, callback)
    } else this.#first(query, callback, asked)
  }

  #first(query: Query, callback: QueryCallback, asked: number): void {
    this.#ticket = this.#source.acquire(this.#level, (error, connection) => {
      if (connection === undefined) return callback(error)
      this.#connection = connection
      const begin = begins(this.#source.verbs.begin(this.#work.begin))
      this.#recorder.verb('begin', begin.text, asked)
      if (!isRowStream(query)) return sendFirst(connection, begin, query, callback)
      sendBegin(connection, begin, (error) =>
        error ? callback(error) : this.#next(connection, query, callback),
      )
    })
  }

  #next(connection: PgConnection, query: Query, callback: QueryCallback): void {
    if (isRowStream(query)) sendStream(connection, query, () => this.lost, callback)
    else sendNext(connection, query, callback)
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
    if (this.#ticket) this.#source.queue.leave(this.#ticket)
  }

  /** Rejects unless Postgres answers COMMIT, with the tag COMMIT, in a transaction. */
  async commit(): Promise<void> {
    const connection = this.#connection as PgConnection
    if (this.lost) return this.#lostBefore(connection)
    // pg knows the state as of the last answer. Of a first statement that pg could not send, BEGIN may be under way
    // still, and an empty statement comes back after it
    if (connection.getTransactionStatus() === 'I') {
      const answer = await this.#send(connection, '', this.#work.commitTimeoutMs)
      if (answer instanceof Error) return this.#lostBefore(connection, answer)
    }
    if (connection.getTransactionStatus() === 'I') {
      this.#source.release(connection, this.#ticket as Ticket)
      throw endedByStatement()
    }
    const result = await this.#last(connection, 'commit', this.#work.commitTimeoutMs)
    if (!(result instanceof Error)) {
      this.#source.release(connection, this.#ticket as Ticket)
      if (result.command !== this.#source.verbs.committed) throw transactionFailed(undefined)
    } else if (postgresError(result) && !endsConnection(result)) {
      if (this.#source.verbs.undoFailedCommit) await this.#last(connection, 'rollback')
      this.#source.release(connection, this.#ticket as Ticket)
      throw translate(result)
    } else {
      await this.#source.discard(connection, this.#ticket as Ticket)
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
    if (await within(timeoutMs, undo(), false)) this.#source.release(connection, this.#ticket as Ticket)
    else {
      this.#discarded = true
      await this.#source.discard(connection, this.#ticket as Ticket)
    }
  }

  /** No COMMIT was sent, so the outcome is known. */
  async #lostBefore(connection: PgConnection, cause?: Error): Promise<never> {
    await this.#source.discard(connection, this.#ticket as Ticket)
    throw new DbSessionError(
      'DB_SESSION_CONNECTION_LOST',
      'The connection to Postgres was lost before COMMIT: nothing was stored',
      cause,
    )
  }

  #last(connection: PgConnection, kind: 'commit' | 'rollback', limitMs = 0): Promise<QueryResult | Error> {
    const startedAt = performance.now()
    const text = this.#source.verbs[kind]
    return this.#send(connection, text, limitMs, (error) =>
      this.#recorder.verb(kind, text, startedAt, error ?? undefined),
    )
  }

  /** @param limitMs - how long the answer is waited for; 0 is for ever */
  #send(
    connection: PgConnection,
    text: string,
    limitMs: number,
    onAnswer?: (error: Error | null) => void,
  ): Promise<QueryResult | Error> {
    return new Promise((resolve) => {
      const late = (): void =>
        resolve(new Error(`No answer to ${text || 'an empty statement'} within ${limitMs} ms`))
      const timer = limitMs > 0 ? setTimeout(late, limitMs) : undefined
      connection.query(text, (error: Error | null, result: QueryResult | QueryResult[]) => {
        clearTimeout(timer)
        onAnswer?.(error)
        resolve(error ?? (Array.isArray(result) ? (result.at(-1) as QueryResult) : result))
      })
    })
  }
}
