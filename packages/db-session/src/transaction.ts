import type { QueryResult } from 'pg'
import type { Lease } from './connection-pool.ts'
import { DbSessionError, endsConnection, findPostgresError, keepMessage, toDbSessionError } from './errors.ts'
import type { TransactionSpec } from './options.ts'
import {
  type Begin,
  canBatch,
  cancel,
  close,
  concatenate,
  fail,
  isReplyDue,
  isSubmittable,
  type ReplyCallback,
  type Statement,
  send,
  sendBatch,
  sendBegin,
  watchForSilence,
} from './pg-wire.ts'
import { endedByStatement, transactionFailed } from './session-state.ts'
import type { Timeline } from './timeline.ts'

/** A cancel request that overtakes its statement finds nothing to cancel, so it is repeated. */
const CANCEL_AGAIN_MS = 20

/** Calls back with a connection or an error. Returns a function that stops waiting, and returns true if it waited. */
export type Acquire = (take: (error: DbSessionError | null, lease?: Lease) => void) => () => boolean

/** A statement to send. */
export interface Sendable {
  readonly kind: 'query' | 'savepoint'
  readonly statement: Statement
}

/** A statement under way, and a promise of its end. */
export interface Running extends Sendable {
  readonly settled: Promise<void>
}

/** What all transactions of a session share. */
export interface TransactionContext {
  readonly spec: TransactionSpec
  readonly cancelTimeoutMs: number
  readonly timeline: Timeline
  readonly acquire: Acquire
  /** Statements that follow BEGIN and its limits. */
  extraBegin(): Begin | undefined
  /** Returns true if other statements wait for the one under way. */
  isBlocking(): boolean
}

/** One transaction on one connection, from its first statement to its end. */
export class Transaction {
  readonly #context: TransactionContext
  #lease: Lease | undefined
  #stopWaiting: (() => boolean) | undefined
  /** The state of the connection is unknown, so it is closed at the end. */
  #isUnusable = false

  constructor(context: TransactionContext) {
    this.#context = context
  }

  /** Returns true if it holds a connection. */
  get isOpen(): boolean {
    return this.#lease !== undefined
  }

  /** Sends a statement, with BEGIN in the same message if it is the first. The one before must have been answered. */
  send(sendable: Sendable, callback: ReplyCallback): void {
    if (this.#lease) {
      this.#context.timeline.markActive()
      this.#send(this.#lease, sendable, callback)
    } else
      this.#begin(sendable, callback, (lease, begin) =>
        this.#sendFirst(lease, begin, sendable, false, callback),
      )
  }

  /** Sends BEGIN, a statement and COMMIT in one message, and returns the connection before it calls back. */
  sendAlone(sendable: Sendable, callback: ReplyCallback): void {
    const { timeline } = this.#context
    this.#begin(sendable, callback, (lease, begin) =>
      this.#sendFirst(lease, begin, sendable, true, (error, result) => {
        if (error) this.rollback().then(() => callback(error))
        else if (canBatch(begin, sendable.statement)) {
          timeline.recordControl('commit', lease.verbs.endOfRead.text, performance.now())
          this.#takeLease().release()
          callback(null, result)
        } else this.commit().then(() => callback(null, result), callback)
      }),
    )
  }

  /** Stops waiting for a connection. Returns true if it was waiting for one. */
  stopWaiting(): boolean {
    return this.#stopWaiting?.() === true
  }

  /** Returns the connection. Rejects unless Postgres answers COMMIT with the tag COMMIT. */
  async commit(): Promise<void> {
    const lease = this.#takeLease()
    const { connection, verbs } = lease
    if (lease.isLost) {
      await lease.discard()
      throw connectionLost()
    }
    if (connection.getTransactionStatus() === 'I') {
      lease.release()
      throw endedByStatement()
    }
    const result = await this.#control(lease, 'commit', verbs.commit)
    if (!(result instanceof Error)) {
      lease.release()
      if (result.command !== verbs.committed) throw transactionFailed(undefined)
      return
    }
    const error = endsConnection(result) ? undefined : toDbSessionError(result)
    if (error && !lease.isLost) {
      if (verbs.rollsBackAfterFailedCommit) await this.#control(lease, 'rollback', verbs.rollback)
      lease.release()
      throw error
    }
    await lease.discard()
    throw new DbSessionError(
      'DB_SESSION_COMMIT_OUTCOME_UNKNOWN',
      'The connection was lost during COMMIT. It is not known whether the transaction was committed.',
      result,
    )
  }

  /**
   * Rolls back and returns the connection. Never rejects: a connection on which ROLLBACK does not return in time is
   * closed, which rolls back too.
   *
   * @param running - the statement under way, which is interrupted after `graceMs`
   */
  async rollback(running?: Running, graceMs = 0): Promise<void> {
    if (running) await this.interrupt(running, graceMs)
    // a statement that was alone has returned the connection by itself
    if (this.#lease === undefined) return
    const lease = this.#takeLease()
    if (!this.#isUnusable && !lease.isLost) {
      const rolledBack = this.#control(lease, 'rollback', lease.verbs.rollback)
      const result = await withTimeout(this.#context.cancelTimeoutMs, rolledBack, new Error('No reply'))
      if (!(result instanceof Error)) {
        lease.release()
        return
      }
    }
    if (!lease.isLost) void cancel(lease.connection, this.#context.cancelTimeoutMs)
    await lease.discard()
  }

  /** Waits for a statement, then cancels it. If it does not end in time, the connection is closed at the end. */
  async interrupt({ statement, settled }: Running, graceMs: number): Promise<void> {
    const { connection } = this.#lease as Lease
    const { cancelTimeoutMs } = this.#context
    const hasEnded = settled.then(() => true)
    if (isSubmittable(statement)) close(statement)
    if (graceMs > 0 && (await withTimeout(graceMs, hasEnded, false))) return
    const giveUpAt = performance.now() + cancelTimeoutMs
    while (performance.now() < giveUpAt) {
      await cancel(connection, cancelTimeoutMs)
      if (await withTimeout(CANCEL_AGAIN_MS, hasEnded, false)) return
    }
    this.#isUnusable = true
  }

  /** Asks Postgres to cancel the statement under way. */
  async cancel(): Promise<void> {
    if (this.#lease) await cancel(this.#lease.connection, this.#context.cancelTimeoutMs)
  }

  #begin(sendable: Sendable, callback: ReplyCallback, proceed: (lease: Lease, begin: Begin) => void): void {
    const { spec, timeline, acquire } = this.#context
    const startedAt = performance.now()
    const refuse = (error: Error): void => {
      timeline.recordStatement(sendable.kind, sendable.statement, startedAt, error)
      if (isSubmittable(sendable.statement)) fail(sendable.statement, error)
      callback(error)
    }
    this.#stopWaiting = acquire((error, lease) => {
      if (lease === undefined) {
        refuse(error as DbSessionError)
        return
      }
      this.#lease = lease
      try {
        const limits = lease.verbs.begin(spec.begin)
        const extra = this.#context.extraBegin()
        const begin = extra ? concatenate(limits, extra) : limits
        timeline.recordControl('begin', begin.text, startedAt)
        proceed(lease, begin)
      } catch (error) {
        this.#takeLease().release()
        refuse(error as Error)
      }
    })
  }

  /** Sends the first statement with BEGIN, and with COMMIT if it is alone. */
  #sendFirst(
    lease: Lease,
    begin: Begin,
    sendable: Sendable,
    isAlone: boolean,
    callback: ReplyCallback,
  ): void {
    const { connection, verbs } = lease
    const { statement } = sendable
    if (canBatch(begin, statement)) {
      const end = isAlone ? verbs.endOfRead : undefined
      const batch = (reply: ReplyCallback): void => sendBatch(connection, begin, statement, end, reply)
      this.#watch(lease, sendable, batch, callback)
      return
    }
    // a row stream, a prepared statement, or several statements in one text: BEGIN has a message of its own
    const beginOnly: ReplyCallback = (error) => {
      if (error === null) this.#send(lease, sendable, callback)
      else {
        if (isSubmittable(statement)) fail(statement, error)
        callback(error)
      }
    }
    this.#watch(lease, undefined, (reply) => sendBegin(connection, begin, reply), beginOnly)
  }

  #send(lease: Lease, sendable: Sendable, callback: ReplyCallback): void {
    this.#watch(lease, sendable, (reply) => send(lease.connection, sendable.statement, reply), callback)
  }

  /** Sends, records what came back, and gives the connection up if nothing does. */
  #watch(
    lease: Lease,
    sendable: Sendable | undefined,
    send: (reply: ReplyCallback) => void,
    callback: ReplyCallback,
  ): void {
    const { spec, timeline } = this.#context
    const startedAt = performance.now()
    let isSilent = false
    const giveUp = (): void => {
      isSilent = true
      void cancel(lease.connection, this.#context.cancelTimeoutMs)
      lease.abandon()
    }
    const stopWatching = this.#watchDeadline(lease, sendable?.statement, spec.deadlineMs, giveUp)
    let isSent = false
    send((error, result) => {
      stopWatching()
      const explained = error && this.#explain(lease, error, isSilent)
      // without a SQLSTATE, nobody knows what the connection is doing, unless pg could not send the values
      if (error && isSent && !findPostgresError(error)) this.#isUnusable = true
      if (sendable)
        timeline.recordStatement(sendable.kind, sendable.statement, startedAt, explained ?? undefined, result)
      callback(explained, result)
    })
    isSent = true
  }

  #explain(lease: Lease, error: Error, isSilent: boolean): Error {
    keepMessage(error)
    if (findPostgresError(error)) return error
    if (isSilent)
      return new DbSessionError('DB_SESSION_STATEMENT_TIMEOUT', 'Postgres did not reply in time.', error)
    return lease.isLost ? connectionLost(error) : error
  }

  #watchDeadline(
    lease: Lease,
    statement: Statement | undefined,
    timeoutMs: number,
    onSilent: () => void,
  ): () => void {
    if (timeoutMs === 0) return () => {}
    // others that wait behind a row stream must not wait for its consumer forever
    const isDue = (): boolean =>
      statement === undefined || isReplyDue(statement) || this.#context.isBlocking()
    return watchForSilence(lease.connection, isDue, timeoutMs, onSilent)
  }

  #control(lease: Lease, kind: 'commit' | 'rollback', text: string): Promise<QueryResult | Error> {
    const { spec, timeline } = this.#context
    timeline.markActive()
    const startedAt = performance.now()
    return new Promise((resolve) => {
      const stopWatching = this.#watchDeadline(lease, undefined, spec.deadlineMs, () => lease.abandon())
      lease.connection.query(text, (error: Error | null, result: QueryResult | QueryResult[]) => {
        stopWatching()
        timeline.recordControl(kind, text, startedAt, error ?? undefined)
        resolve(error ?? ([result].flat().at(-1) as QueryResult))
      })
    })
  }

  #takeLease(): Lease {
    const lease = this.#lease as Lease
    this.#lease = undefined
    return lease
  }
}

/** Resolves with the other value if the work takes longer than `ms`. */
export async function withTimeout<T, U>(ms: number, work: Promise<T>, otherwise: U): Promise<T | U> {
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

function connectionLost(cause?: Error): DbSessionError {
  return new DbSessionError(
    'DB_SESSION_CONNECTION_LOST',
    'The connection to Postgres was lost. Nothing was committed.',
    cause,
  )
}
