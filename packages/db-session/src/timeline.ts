import diagnostics, { type Channel } from 'node:diagnostics_channel'
import type { QueryResult } from 'pg'
import { findPostgresError } from './errors.ts'
import type { Log, Settings } from './options.ts'
import { describe, type Statement } from './pg-wire.ts'
import type { QueryEvent } from './types.ts'

/** An hour-long unit of work must not fill the memory. */
const MAX_EVENTS = 1_000
const MAX_SQL_LENGTH = 10_000

type Report = 'idle' | 'leak'

const CHANNELS = Object.fromEntries(
  (['open', 'begin', 'query', 'savepoint', 'commit', 'rollback', 'idle', 'leak'] as const).map((event) => [
    event,
    diagnostics.channel(`auth-primer:db-session:${event}`),
  ]),
) as Record<'open' | QueryEvent['kind'] | Report, Channel>

let opened = 0

/** Records what one session sends, publishes it, and logs sessions that hold a transaction for too long. */
export class Timeline {
  /** The route, `POST /users`, or the name of the unit of work's function. */
  readonly owner: string
  /** The number of the session in this process. Each event carries it, since pg calls back in a context of its own. */
  readonly session = ++opened
  readonly events: QueryEvent[] = []
  readonly #openedAt = performance.now()
  readonly #settings: Settings
  readonly #log: Log
  #idleSince: number | undefined
  #isReported = false

  constructor(owner: string, settings: Settings, log: Log) {
    this.owner = owner
    this.#settings = settings
    this.#log = log
    if (CHANNELS.open.hasSubscribers) CHANNELS.open.publish({ session: this.session, owner })
  }

  /** Records BEGIN, COMMIT or ROLLBACK. */
  recordControl(kind: 'begin' | 'commit' | 'rollback', sql: string, startedAt: number, error?: Error): void {
    this.#record({ kind, sql }, startedAt, performance.now(), error)
    if (kind !== 'begin') this.#idleSince = undefined
  }

  /** Records a statement and its reply. */
  recordStatement(
    kind: 'query' | 'savepoint',
    statement: Statement,
    startedAt: number,
    error?: Error,
    result?: QueryResult,
  ): void {
    const { text, values } = describe(statement)
    const event: Partial<QueryEvent> = { kind, sql: text }
    if (this.#settings.bindings) Object.assign(event, { bindings: values })
    if (typeof result?.rowCount === 'number') Object.assign(event, { rowCount: result.rowCount })
    const now = performance.now()
    this.#idleSince = now
    this.#record(event as QueryEvent, startedAt, now, error)
  }

  /** Notes that something is sent in an open transaction, and logs how long it sat idle, if that was long. */
  markActive(): void {
    if (this.#idleSince === undefined) return
    const ms = performance.now() - this.#idleSince
    this.#idleSince = undefined
    if (ms >= this.#settings.idleReportMs)
      this.#report('idle', ms, 'a transaction sat idle: do slow work before the first statement')
  }

  /** Logs, once, a session whose transaction is open for too long. */
  checkLeak(now: number): void {
    const ms = now - this.#openedAt
    if (this.#isReported || ms < this.#settings.leakReportMs) return
    this.#isReported = true
    this.#report(
      'leak',
      ms,
      'a transaction is still open: end the stream, the hijacked reply or the unit of work that holds it',
    )
  }

  #report(kind: Report, ms: number, message: string): void {
    const report = { owner: this.owner, ms }
    this.#log.warn(report, message)
    if (CHANNELS[kind].hasSubscribers) CHANNELS[kind].publish(report)
  }

  #record(what: Pick<QueryEvent, 'kind' | 'sql'>, startedAt: number, now: number, error?: Error): void {
    const event: { -readonly [Name in keyof QueryEvent]: QueryEvent[Name] } = {
      ...what,
      startedMs: startedAt - this.#openedAt,
      durationMs: now - startedAt,
    }
    if (event.sql.length > MAX_SQL_LENGTH) event.sql = `${event.sql.slice(0, MAX_SQL_LENGTH)}…`
    if (error !== undefined) {
      const origin = findPostgresError(error)
      event.error = origin?.code ?? ('code' in error ? String(error.code) : error.name)
      if (origin?.constraint !== undefined) event.constraint = origin.constraint
    }
    this.events.push(event)
    if (this.events.length > MAX_EVENTS) this.events.shift()
    const channel = CHANNELS[event.kind]
    if (channel.hasSubscribers) channel.publish({ session: this.session, owner: this.owner, ...event })
  }
}
