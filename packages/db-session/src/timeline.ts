import { type Channel, channel } from 'node:diagnostics_channel'
import type { QueryResult } from 'pg'
import { findPostgresError } from './errors.ts'
import type { Settings } from './options.ts'
import { describe, type Statement } from './pg-wire.ts'
import type { Log, QueryEvent } from './types.ts'

/** An hour-long unit of work must not fill the memory. */
const MAX_EVENTS = 1_000
const MAX_SQL_LENGTH = 10_000

const NAMES = ['open', 'begin', 'query', 'savepoint', 'commit', 'rollback', 'idle', 'leak'] as const
const CHANNELS = Object.fromEntries(
  NAMES.map((name) => [name, channel(`auth-primer:db-session:${name}`)]),
) as Record<(typeof NAMES)[number], Channel>

export type Reply = { readonly error?: Error; readonly result?: QueryResult }

let opened = 0

/** Records what one session sends, publishes it, and logs sessions that hold a transaction for too long. */
export class Timeline {
  /** The route, `POST /users`, or the name of the unit of work's function. */
  readonly owner: string
  /** The number of the session in this process. Each event carries it, because pg calls back in another async context. */
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

  /** Records a statement that was sent, and its reply. */
  record(kind: QueryEvent['kind'], statement: Statement, startedAt: number, reply: Reply = {}): void {
    const { text, values } = describe(statement)
    const { error, result } = reply
    const event: { -readonly [K in keyof QueryEvent]: QueryEvent[K] } = {
      kind,
      sql: text.length > MAX_SQL_LENGTH ? `${text.slice(0, MAX_SQL_LENGTH)}…` : text,
      startedMs: startedAt - this.#openedAt,
      durationMs: performance.now() - startedAt,
    }
    if (kind === 'query' && this.#settings.bindings) event.bindings = values
    if (kind === 'query' && typeof result?.rowCount === 'number') event.rowCount = result.rowCount
    const origin = findPostgresError(error)
    if (error) event.error = origin?.code ?? ('code' in error ? String(error.code) : error.name)
    if (origin?.constraint !== undefined) event.constraint = origin.constraint
    this.events.push(event)
    if (this.events.length > MAX_EVENTS) this.events.shift()
    this.#idleSince = ['commit', 'rollback'].includes(kind) ? undefined : performance.now()
    const target = CHANNELS[kind]
    if (target.hasSubscribers) target.publish({ session: this.session, owner: this.owner, ...event })
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
  checkLeak(): void {
    const ms = performance.now() - this.#openedAt
    if (this.#isReported || ms < this.#settings.leakReportMs) return
    this.#isReported = true
    const message = 'a transaction is still open: end the stream, the reply or the unit of work that holds it'
    this.#report('leak', ms, message)
  }

  #report(kind: 'idle' | 'leak', ms: number, message: string): void {
    const report = { owner: this.owner, ms }
    this.#log.warn(report, message)
    if (CHANNELS[kind].hasSubscribers) CHANNELS[kind].publish(report)
  }
}
