import type { QueryResult } from 'pg'
import type { Lease, Waiting } from './connection-pool.ts'
import { DbSessionError, endsConnection, findPostgresError, keepMessage, toDbSessionError } from './errors.ts'
import type { TransactionSpec } from './options.ts'
import * as wire from './pg-wire.ts'
import { isTransactionLocal } from './session-state.ts'
import type { Reply, Timeline } from './timeline.ts'
import type { BeginStatement } from './types.ts'

/** A cancel request that overtakes its statement finds nothing to cancel, so it is repeated. */
const CANCEL_AGAIN_MS = 20

export interface Command {
  readonly kind: 'query' | 'savepoint' | 'commit' | 'rollback'
  readonly statement: wire.Statement
}

export interface TransactionContext {
  readonly spec: TransactionSpec
  readonly cancelTimeoutMs: number
  readonly timeline: Timeline
  acquire(): Waiting
  /** Returns the statements that follow BEGIN and its limits. */
  getExtraBegin(): readonly BeginStatement[]
}

/** One transaction on one connection, from its first statement to its end. */
export class Transaction {
  readonly #context: TransactionContext
  /** Returns true if other statements wait for the one under way. */
  readonly #isBlocking: () => boolean
  #waiting: Waiting | undefined
  #lease: Lease | undefined
  /** True if the state of the connection is unknown: it is closed at the end. */
  #isUnusable = false

  constructor(context: TransactionContext, isBlocking: () => boolean) {
    this.#context = context
    this.#isBlocking = isBlocking
  }

  get isOpen(): boolean {
    return this.#lease !== undefined
  }

  get isUsable(): boolean {
    return this.#lease !== undefined && !this.#isUnusable && !wire.isLost(this.#lease.connection)
  }

  /** Returns true if a statement has ended it: the next one would be committed by itself. */
  get hasEnded(): boolean {
    return this.#lease?.connection.getTransactionStatus() === 'I'
  }

  /** Sends a statement, with BEGIN in the same message if it is the first. The one before must have ended. */
  async send(command: Command): Promise<QueryResult> {
    if (this.#lease === undefined) return this.#sendFirst(command)
    this.#context.timeline.markActive()
    return this.#send(this.#lease, command)
  }

  /** Sends BEGIN, a statement and COMMIT, in one message if possible. Settings would end with it. */
  async sendAlone(command: Command): Promise<QueryResult> {
    if (isTransactionLocal(wire.describe(command.statement).text))
      throw new DbSessionError('DB_SESSION_NEEDS_TRANSACTION')
    try {
      const result = await this.#sendFirst(command, true)
      if (wire.canBatch(command.statement)) {
        const lease = this.#takeLease()
        this.#context.timeline.record('commit', lease.verbs.endOfRead, performance.now())
        lease.release()
      } else await this.commit()
      return result
    } catch (error) {
      await this.rollback()
      throw error
    }
  }

  /** Returns false if it does not wait for a connection. */
  stopWaiting(): boolean {
    return this.#waiting?.stop() === true
  }

  /** Returns the connection. Rejects unless Postgres answers COMMIT with the tag COMMIT. */
  async commit(): Promise<void> {
    const lease = this.#takeLease()
    const { connection, verbs } = lease
    if (wire.isLost(connection)) {
      await lease.discard()
      throw new DbSessionError('DB_SESSION_CONNECTION_LOST')
    }
    const result = await this.#control(lease, 'commit', verbs.commit)
    if (!(result instanceof Error)) {
      lease.release()
      if (result.command !== verbs.committed) throw new DbSessionError('DB_SESSION_TRANSACTION_FAILED')
      return
    }
    const error = endsConnection(result) ? undefined : toDbSessionError(result)
    if (error === undefined || wire.isLost(connection)) {
      await lease.discard()
      throw new DbSessionError('DB_SESSION_COMMIT_OUTCOME_UNKNOWN', result)
    }
    // a failed COMMIT ends a transaction, but not the savepoint of `withRollback`
    if (verbs.committed === 'RELEASE') await this.#control(lease, 'rollback', verbs.rollback)
    lease.release()
    throw error
  }

  /** Rolls back and returns the connection, or closes it if ROLLBACK does not return in time. Never rejects. */
  async rollback(): Promise<void> {
    if (this.#lease === undefined) return
    const isUsable = this.isUsable
    const lease = this.#takeLease()
    if (isUsable) {
      const rolledBack = this.#control(lease, 'rollback', lease.verbs.rollback)
      const result = await withTimeout(this.#context.cancelTimeoutMs, rolledBack, new Error('No reply'))
      if (!(result instanceof Error)) return lease.release()
    }
    if (!wire.isLost(lease.connection)) void wire.cancel(lease.connection, this.#context.cancelTimeoutMs)
    await lease.discard()
  }

  /** Waits for the statement under way, then cancels it. If it goes on, the connection is closed at the end. */
  async interrupt(statement: wire.Statement, settled: Promise<void>, graceMs: number): Promise<void> {
    const { connection } = this.#lease as Lease
    const hasEnded = settled.then(() => true)
    wire.close(statement, wire.isLeft(statement) ? undefined : new DbSessionError('DB_SESSION_OVER'))
    if (graceMs > 0 && (await withTimeout(graceMs, hasEnded, false))) return
    const giveUpAt = performance.now() + this.#context.cancelTimeoutMs
    while (performance.now() < giveUpAt) {
      await wire.cancel(connection, this.#context.cancelTimeoutMs)
      if (await withTimeout(CANCEL_AGAIN_MS, hasEnded, false)) return
    }
    this.#isUnusable = true
  }

  /** Takes a connection and sends the first statement with BEGIN, and with COMMIT if it is alone. */
  async #sendFirst(command: Command, isAlone = false): Promise<QueryResult> {
    const { spec, timeline } = this.#context
    const { kind, statement } = command
    const startedAt = performance.now()
    try {
      const extra = this.#context.getExtraBegin()
      this.#waiting = this.#context.acquire()
      const lease = await this.#waiting.lease
      this.#lease = lease
      const begin = lease.verbs.begin(spec, extra)
      const end = isAlone ? lease.verbs.endOfRead : undefined
      timeline.record('begin', begin, startedAt)
      if (wire.canBatch(statement)) return await this.#send(lease, command, { begin, end })
      // a row stream, a prepared statement, or several statements in one text: BEGIN needs a separate message
      await this.#send(lease, undefined, { begin })
      return await this.#send(lease, command)
    } catch (error) {
      if (this.#lease === undefined) timeline.record(kind, statement, startedAt, { error: error as Error })
      wire.failUnsent(statement, error as Error)
      throw error
    }
  }

  #control(lease: Lease, kind: 'commit' | 'rollback', text: string): Promise<QueryResult | Error> {
    return this.#send(lease, { kind, statement: { text } }).then(
      (result) => [result].flat().at(-1) as QueryResult,
      (error) => error,
    )
  }

  /** Sends, records the reply, and gives the connection up if no reply comes. */
  async #send({ connection }: Lease, command?: Command, batch?: wire.Batch): Promise<QueryResult> {
    const { timeline, spec, cancelTimeoutMs } = this.#context
    const { kind, statement = { text: '' } } = command ?? {}
    const startedAt = performance.now()
    let silence: DbSessionError | undefined
    const lost = (cause?: Error): DbSessionError =>
      silence ?? new DbSessionError('DB_SESSION_CONNECTION_LOST', cause)
    // others that wait behind a row stream must not wait for its consumer forever
    const onSilent = (): void => {
      const isUnread = wire.isCursorIn('idle', statement)
      if (isUnread && !this.#isBlocking()) return void watch()
      const message = isUnread ? 'A statement waited for a row stream that nobody read.' : undefined
      silence = new DbSessionError('DB_SESSION_STATEMENT_TIMEOUT', undefined, message)
      if (kind !== 'commit') void wire.cancel(connection, cancelTimeoutMs)
      wire.closeSocket(connection)
    }
    const watch = (): void => wire.watchForSilence(connection, spec.deadlineMs, onSilent)
    watch()
    const explain = (error: Error): Error => {
      keepMessage(error)
      if (findPostgresError(error)) return error
      // the state of the connection is unknown
      this.#isUnusable = true
      return silence || wire.isLost(connection) ? lost(error) : error
    }
    const reply: Reply = await wire.send(connection, statement, lost, batch).then(
      (result) => ({ result }),
      (error) => ({ error: explain(error) }),
    )
    wire.watchForSilence(connection, 0)
    if (kind) timeline.record(kind, statement, startedAt, reply)
    if (reply.error) throw reply.error
    return reply.result as QueryResult
  }

  #takeLease(): Lease {
    this.#context.timeline.markActive()
    const lease = this.#lease as Lease
    this.#lease = undefined
    return lease
  }
}

/** Resolves with the other value if the promise takes longer than `ms`. */
export async function withTimeout<T, U>(ms: number, promise: Promise<T>, otherwise: U): Promise<T | U> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<U>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), ms)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}
