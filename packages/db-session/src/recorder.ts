import diagnostics, { type Channel } from 'node:diagnostics_channel'
import type { FastifyBaseLogger } from 'fastify'
import type { QueryResult } from 'pg'
import type { QueryEvent } from './db-session.ts'
import { postgresError } from './errors.ts'
import type { Settings } from './options.ts'
import { isRowStream, type Query } from './row-stream.ts'

type Report = 'idle' | 'leak'

const CHANNELS = Object.fromEntries(
  (['open', 'begin', 'query', 'savepoint', 'commit', 'rollback', 'idle', 'leak'] as const).map((event) => [
    event,
    diagnostics.channel(`auth-primer:db-session:${event}`),
  ]),
) as Record<'open' | QueryEvent['kind'] | Report, Channel>

/** What `auth-primer:db-session:idle` and `…:leak` carry. */
export interface SessionReport {
  /** The route, `POST /users`, or what a unit of work is called. */
  readonly owner: string
  /** How long the session sat idle in its transaction, or has been open. */
  readonly ms: number
}

let opened = 0

/** Keeps the timeline of one session and publishes it. */
export class Recorder {
  readonly owner: string
  /** Which of this process's sessions it is: each event says so, as pg calls back in a context of its own. */
  readonly session = ++opened
  readonly timeline: QueryEvent[] = []
  readonly openedAt = performance.now()
  readonly #settings: Settings
  readonly #log: FastifyBaseLogger
  #idleSince: number | undefined
  #reported = false

  constructor(owner: string, settings: Settings, log: FastifyBaseLogger) {
    this.owner = owner
    this.#settings = settings
    this.#log = log
    if (CHANNELS.open.hasSubscribers) CHANNELS.open.publish({ session: this.session, owner })
  }

  /** BEGIN, COMMIT or ROLLBACK, when it went out, and what came back. */
  verb(kind: 'begin' | 'commit' | 'rollback', sql: string, startedAt: number, error?: Error): void {
    this.#add(kind, sql, undefined, startedAt, performance.now(), error)
  }

  statement(
    kind: QueryEvent['kind'],
    query: Query,
    startedAt: number,
    error?: Error,
    result?: QueryResult,
  ): void {
    const { text, values } = isRowStream(query) ? query.cursor : query
    const bindings = this.#settings.bindings ? (values ?? []) : undefined
    const now = performance.now()
    this.#idleSince = now
    this.#add(kind, text, bindings, startedAt, now, error, result?.rowCount)
  }

  /** Something is sent in an open transaction: reports how long it sat idle, where that was long. */
  busy(): void {
    if (this.#idleSince === undefined) return
    const ms = performance.now() - this.#idleSince
    this.#idleSince = undefined
    if (ms < this.#settings.idleReportMs) return
    this.#report('idle', ms, 'a session sat idle in its transaction: do slow work before the first statement')
  }

  /** Reports, once, a session that is open for too long. */
  checkLeak(now: number): void {
    const ms = now - this.openedAt
    if (this.#reported || ms < this.#settings.leakReportMs) return
    this.#reported = true
    this.#report(
      'leak',
      ms,
      'a session is still open: end the stream, the hijacked reply or the unit of work that holds it',
    )
  }

  #report(kind: Report, ms: number, message: string): void {
    const report: SessionReport = { owner: this.owner, ms }
    this.#log.warn(report, message)
    if (CHANNELS[kind].hasSubscribers) CHANNELS[kind].publish(report)
  }

  #add(
    kind: QueryEvent['kind'],
    sql: string,
    bindings: readonly unknown[] | undefined,
    startedAt: number,
    now: number,
    error?: Error,
    rowCount?: number | null,
  ): void {
    const event: { -readonly [Name in keyof QueryEvent]: QueryEvent[Name] } = {
      kind,
      sql,
      startedMs: startedAt - this.openedAt,
      durationMs: now - startedAt,
    }
    if (bindings !== undefined) event.bindings = bindings
    if (typeof rowCount === 'number') event.rowCount = rowCount
    if (error !== undefined) {
      event.error = codeOf(error)
      const constraint = postgresError(error)?.constraint
      if (constraint !== undefined) event.constraint = constraint
    }
    this.timeline.push(event)
    const channel = CHANNELS[kind]
    if (channel.hasSubscribers) channel.publish({ session: this.session, owner: this.owner, ...event })
  }
}

function codeOf(error: Error): string {
  return postgresError(error)?.code ?? ('code' in error ? String(error.code) : error.name)
}
