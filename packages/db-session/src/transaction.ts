import type { QueryResult } from 'pg'
import type { Lease, Waiting } from './connection-pool.ts'
import { DbSessionError, endsConnection, findPostgresError, keepMessage, toDbSessionError } from './errors.ts'
import type { TransactionSpec } from './options.ts'
import {
  canBatch,
  cancel,
  close,
  concatenate,
  type Encoded,
  isSubmittable,
  isWaitingForConsumer,
  type Statement,
  send,
  sendBatch,
  wasSent,
  watchForSilence,
} from './pg-wire.ts'
import type { Timeline } from './timeline.ts'

/** A cancel request that overtakes its statement finds nothing to cancel, so it is repeated. */
const CANCEL_AGAIN_MS = 20
const NO_STATEMENT = { text: '' }

/** A statement to send. */
export interface Sendable {
  readonly kind: 'query' | 'savepoint'
  readonly statement: Statement
}

/** What all transactions of a session share. */
export interface TransactionContext {
  readonly spec: TransactionSpec
  readonly cancelTimeoutMs: number
  readonly timeline: Timeline
  acquire(): Waiting
  /** Returns the statements that follow BEGIN and its limits. */
  extraBegin(): Encoded | undefined
  /** Returns true if other statements wait for the one under way. */
  isBlocking(): boolean
}

/** One transaction on one connection, from its first statement to its end. */
export class Transaction {
  readonly #context: TransactionContext
  #waiting: Waiting | undefined
  #lease: Lease | undefined
  /** Nobody knows what the connection is doing, so it is closed at the end. */
  #isUnusable = false

  constructor(context: TransactionContext) {
    this.#context = context
  }

  /** Returns true if it holds a connection. */
  get isOpen(): boolean {
    return this.#lease !== undefined
  }

  /** Returns true if the connection can take the next statement. */
  get isUsable(): boolean {
    return this.#lease?.isLost === false && !this.#isUnusable
  }

  /** Sends a statement, with BEGIN in the same message if it is the first. The one before must have been answered. */
  async send(sendable: Sendable): Promise<QueryResult> {
    if (this.#lease === undefined) return this.#sendFirst(sendable)
    this.#context.timeline.markActive()
    return this.#send(this.#lease, sendable)
  }

  /** Sends BEGIN, a statement and COMMIT, in one message if possible. The connection is returned at the end. */
  async sendAlone(sendable: Sendable): Promise<QueryResult> {
    try {
      const result = await this.#sendFirst(sendable, true)
      if (canBatch(sendable.statement)) {
        const lease = this.#takeLease()
        this.#context.timeline.recordControl('commit', lease.verbs.endOfRead.text, performance.now())
        lease.release()
      } else await this.commit()
      return result
    } catch (error) {
      await this.rollback()
      throw error
    }
  }

  /** Stops waiting for a connection. Returns false if it does not wait for one. */
  stopWaiting(): boolean {
    return this.#waiting?.stop() === true
  }

  /** Returns the connection. Rejects unless Postgres answers COMMIT with the tag COMMIT. */
  async commit(): Promise<void> {
    const lease = this.#takeLease()
    const { connection, verbs } = lease
    if (lease.isLost) {
      await lease.discard()
      throw new DbSessionError('DB_SESSION_CONNECTION_LOST')
    }
    if (connection.getTransactionStatus() === 'I') {
      lease.release()
      throw new DbSessionError('DB_SESSION_ENDED_BY_STATEMENT')
    }
    const result = await this.#control(lease, 'commit', verbs.commit)
    if (!(result instanceof Error)) {
      lease.release()
      if (result.command !== verbs.committed) throw new DbSessionError('DB_SESSION_TRANSACTION_FAILED')
      return
    }
    const error = endsConnection(result) || lease.isLost ? undefined : toDbSessionError(result)
    if (error) {
      if (verbs.rollsBackAfterFailedCommit) await this.#control(lease, 'rollback', verbs.rollback)
      lease.release()
      throw error
    }
    await lease.discard()
    throw new DbSessionError('DB_SESSION_COMMIT_OUTCOME_UNKNOWN', result)
  }

  /** Rolls back and returns the connection, or closes it if ROLLBACK does not return in time. Never rejects. */
  async rollback(): Promise<void> {
    if (this.#lease === undefined) return
    const lease = this.#takeLease()
    const { cancelTimeoutMs } = this.#context
    if (!this.#isUnusable && !lease.isLost) {
      const rolledBack = this.#control(lease, 'rollback', lease.verbs.rollback)
      const result = await withTimeout(cancelTimeoutMs, rolledBack, new Error('No reply'))
      if (!(result instanceof Error)) {
        lease.release()
        return
      }
    }
    if (!lease.isLost) void cancel(lease.connection, cancelTimeoutMs)
    await lease.discard()
  }

  /** Waits for the statement under way, then cancels it. If it goes on, the connection is closed at the end. */
  async interrupt(statement: Statement, settled: Promise<void>, graceMs: number): Promise<void> {
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

  /** Takes a connection and sends the first statement with BEGIN, and with COMMIT if it is alone. */
  async #sendFirst(sendable: Sendable, isAlone = false): Promise<QueryResult> {
    const { spec, timeline } = this.#context
    const { kind, statement } = sendable
    const startedAt = performance.now()
    let begin: Encoded
    try {
      const extra = this.#context.extraBegin()
      this.#waiting = this.#context.acquire()
      this.#lease = await this.#waiting.lease
      begin = this.#lease.verbs.begin(spec.begin)
      if (extra) begin = concatenate(begin, extra)
    } catch (error) {
      timeline.recordStatement(kind, statement, startedAt, error as Error)
      if (isSubmittable(statement)) close(statement, error as Error)
      throw error
    }
    const lease = this.#lease
    timeline.recordControl('begin', begin.text, startedAt)
    const end = isAlone ? lease.verbs.endOfRead : undefined
    if (canBatch(statement))
      return this.#watch(lease, sendable, () => sendBatch(lease.connection, begin, statement, end))
    // a row stream, a prepared statement, or several statements in one text: BEGIN has a message of its own
    try {
      await this.#watch(lease, undefined, () => sendBatch(lease.connection, begin, NO_STATEMENT))
    } catch (error) {
      if (isSubmittable(statement)) close(statement, error as Error)
      throw error
    }
    return this.#send(lease, sendable)
  }

  #send(lease: Lease, sendable: Sendable): Promise<QueryResult> {
    return this.#watch(lease, sendable, () => send(lease.connection, sendable.statement))
  }

  /** Sends, records what came back, and gives the connection up if nothing does. */
  async #watch(
    lease: Lease,
    sendable: Sendable | undefined,
    send: () => Promise<QueryResult>,
  ): Promise<QueryResult> {
    const { timeline, cancelTimeoutMs } = this.#context
    const startedAt = performance.now()
    const deadline = this.#startDeadline(
      lease,
      sendable?.statement,
      () => void cancel(lease.connection, cancelTimeoutMs),
    )
    const record = (error?: Error, result?: QueryResult): void => {
      deadline.stop()
      if (sendable) timeline.recordStatement(sendable.kind, sendable.statement, startedAt, error, result)
    }
    try {
      const result = await send()
      record(undefined, result)
      return result
    } catch (error) {
      const explained = this.#explain(lease, error as Error, deadline.isOver)
      record(explained)
      throw explained
    }
  }

  #startDeadline(lease: Lease, statement: Statement | undefined, onSilent: () => void) {
    const deadline = { isOver: false, stop: () => {} }
    const { spec, isBlocking } = this.#context
    if (spec.deadlineMs === 0) return deadline
    // others that wait behind a row stream must not wait for its consumer forever
    const isDue = (): boolean => !statement || !isWaitingForConsumer(statement) || isBlocking()
    deadline.stop = watchForSilence(lease.connection, spec.deadlineMs, isDue, () => {
      deadline.isOver = true
      onSilent()
      lease.abandon()
    })
    return deadline
  }

  #explain(lease: Lease, error: Error, isSilent: boolean): Error {
    keepMessage(error)
    if (findPostgresError(error) || !wasSent(error)) return error
    this.#isUnusable = true
    if (isSilent) return new DbSessionError('DB_SESSION_STATEMENT_TIMEOUT', error)
    return lease.isLost ? new DbSessionError('DB_SESSION_CONNECTION_LOST', error) : error
  }

  async #control(lease: Lease, kind: 'commit' | 'rollback', text: string): Promise<QueryResult | Error> {
    const startedAt = performance.now()
    const deadline = this.#startDeadline(lease, undefined, () => {})
    const result = await send(lease.connection, { text }).catch((error: Error) => error)
    deadline.stop()
    this.#context.timeline.recordControl(kind, text, startedAt, result instanceof Error ? result : undefined)
    return result instanceof Error ? result : ([result].flat().at(-1) as QueryResult)
  }

  #takeLease(): Lease {
    this.#context.timeline.markActive()
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
