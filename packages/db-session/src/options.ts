import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyRequest } from 'fastify'
import type { Knex } from 'knex'
import { DbSessionError } from './errors.ts'

/** How much a transaction sees of the others that run beside it: Postgres’s isolation levels. */
export type Isolation = 'read committed' | 'repeatable read' | 'serializable'
/** Whether a session may write. */
export type Mode = 'read' | 'write'

/** What a route says in `config: { db: … }`, and a unit of work in its options. */
export interface DbRoute {
  /** `'read'`: READ ONLY, on the replica where there is one. @default 'write' */
  readonly mode?: Mode
  /** The isolation level of the transaction. @default Postgres's own, 'read committed' */
  readonly isolation?: Isolation
  /** How often the work runs again after a serialization failure or a deadlock: 0 to 100. @default 0 */
  readonly retry?: number
  /** How long one statement may take, in milliseconds; 0 is for ever. @default the plugin's */
  readonly statementTimeoutMs?: number
}

/**
 * A statement whose first column must be `true` on the replica. It is the first one of the session's transaction, so
 * that the connection that is asked is the one that serves.
 *
 * @example
 * { text: 'select pg_last_wal_replay_lsn() >= $1::pg_lsn', values: ['0/15D68C50'] }
 */
export interface ReplicaCondition {
  /** The statement, with `$1` and so on for the values. */
  readonly text: string
  /** Its values, in order. */
  readonly values?: readonly unknown[]
}

/** What the plugin is registered with. Everything but `knex` has a default. */
export interface DbSessionOptions {
  /** The primary: a knex of the dialect `pg`. */
  readonly knex: Knex
  /** Where sessions of mode `'read'` go. @default knex */
  readonly replica?: Knex
  /**
   * Asked when a session of mode `'read'` is opened; of a unit of work without a request. With a condition, the replica
   * serves it if the condition holds there, and the primary otherwise: also where the replica cannot be used. A replica
   * that fails on the way, or cancels a statement that is in the way of its replay, is left for the primary: the handler
   * runs again, once more than `retry` says, if nothing has been sent. Without a condition, the primary serves. @default the replica, unasked, and no primary in its place
   */
  readonly replicaFor?: (request?: FastifyRequest) => ReplicaCondition | undefined
  /** How long a session waits for a connection, in milliseconds, at least 1. @default 2000 */
  readonly acquireTimeoutMs?: number
  /** How long one statement may take, in milliseconds; 0 is for ever. @default 10000 */
  readonly statementTimeoutMs?: number
  /** How long a transaction may sit idle before Postgres ends it, in milliseconds; 0 is for ever. @default 60000 */
  readonly idleTimeoutMs?: number
  /** How long a transaction may sit idle between two statements before it is reported, in milliseconds. @default 200 */
  readonly idleReportMs?: number
  /** How long a transaction may stay open before it is reported as a leak, in milliseconds. @default 10000 */
  readonly leakReportMs?: number
  /** How long a connection may take to come back from a cancelled session before it is thrown away, in milliseconds. @default 1000 */
  readonly cancelTimeoutMs?: number
  /** How long a shutdown waits for units of work and for work after commits, in milliseconds. @default 10000 */
  readonly closeTimeoutMs?: number
  /** Destroy `knex` and `replica` when the app is closed. @default true */
  readonly closePools?: boolean
  /**
   * Connections of the pool that requests leave to units of work and to plain knex: how deep units of work may nest.
   * 0 to 1000, and always at least one less than the pool has. @default 1
   */
  readonly reserve?: number
  /** Keep the values bound to each statement in the timeline and the diagnostics: they are user data. @default false */
  readonly bindings?: boolean
  /**
   * Milliseconds before run 2, 3, … of a retried work: at random up to `base` × 2ⁿ, `max` at most; integers, 0 is at
   * once. @default { base: 5, max: 250 }
   */
  readonly backoff?: {
    /** The most before the second run; it doubles with each further one. */
    readonly base: number
    /** The most there ever is. */
    readonly max: number
  }
  /** Where chance comes from. @default Math.random */
  readonly random?: () => number
  /** How a retry waits. @default node:timers/promises */
  readonly sleep?: (ms: number) => Promise<unknown>
}

export const DEFAULTS = Object.freeze({
  acquireTimeoutMs: 2_000,
  statementTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
  idleReportMs: 200,
  leakReportMs: 10_000,
  cancelTimeoutMs: 1_000,
  closeTimeoutMs: 10_000,
  closePools: true,
  reserve: 1,
  bindings: false,
  backoff: Object.freeze({ base: 5, max: 250 }),
  random: Math.random,
  sleep: (ms: number): Promise<unknown> => sleep(ms),
})

export type Settings = typeof DEFAULTS & Required<Pick<DbSessionOptions, 'knex'>> & DbSessionOptions

/** What one route or unit of work asks for, ready to run. */
export interface Work {
  readonly mode: Mode
  readonly retry: number
  /** How long COMMIT is waited for: the statement's limit and a second. */
  readonly commitTimeoutMs: number
  /** BEGIN and its limits. */
  readonly begin: readonly string[]
}

const ISOLATION = ['read committed', 'repeatable read', 'serializable']

/** Checks what was given, once, and fills in the rest. */
export function readOptions(options: DbSessionOptions): Settings {
  checkKnex('knex', options.knex)
  if (options.replica !== undefined) checkKnex('replica', options.replica)
  if (options.replicaFor !== undefined && typeof options.replicaFor !== 'function') {
    throw invalid('replicaFor', 'a function', options.replicaFor)
  }
  const settings = { ...DEFAULTS, ...withoutUndefined(options) } as Settings
  checkInteger('acquireTimeoutMs', settings.acquireTimeoutMs, 1, 2 ** 31 - 1)
  for (const name of [
    'statementTimeoutMs',
    'idleTimeoutMs',
    'idleReportMs',
    'leakReportMs',
    'cancelTimeoutMs',
    'closeTimeoutMs',
  ] as const) {
    checkInteger(name, settings[name], 0, 2 ** 31 - 1)
  }
  checkInteger('reserve', settings.reserve, 0, 1_000)
  checkInteger('backoff.base', settings.backoff?.base, 0, 2 ** 31 - 1)
  checkInteger('backoff.max', settings.backoff.max, 0, 2 ** 31 - 1)
  for (const name of ['closePools', 'bindings'] as const) checkType(name, settings[name], 'boolean')
  for (const name of ['random', 'sleep'] as const) checkType(name, settings[name], 'function')
  return settings
}

/** Checks a route's `config.db` or a unit of work's options, once. */
export function readWork(route: DbRoute, settings: Settings): Work {
  const { mode = 'write', isolation, retry = 0, statementTimeoutMs = settings.statementTimeoutMs } = route
  if (mode !== 'read' && mode !== 'write') throw invalid('mode', "'read' or 'write'", mode)
  if (isolation !== undefined && !ISOLATION.includes(isolation)) {
    throw invalid('isolation', `one of '${ISOLATION.join("', '")}'`, isolation)
  }
  checkInteger('retry', retry, 0, 100)
  checkInteger('statementTimeoutMs', statementTimeoutMs, 0, 2 ** 31 - 1)
  const level = isolation === undefined ? '' : ` ISOLATION LEVEL ${isolation.toUpperCase()}`
  const begin = [`BEGIN${level}${mode === 'read' ? ' READ ONLY' : ''}`]
  if (statementTimeoutMs > 0) begin.push(`SET LOCAL statement_timeout = ${statementTimeoutMs}`)
  if (settings.idleTimeoutMs > 0)
    begin.push(`SET LOCAL idle_in_transaction_session_timeout = ${settings.idleTimeoutMs}`)
  return {
    mode,
    retry,
    begin,
    commitTimeoutMs: statementTimeoutMs === 0 ? 0 : Math.min(statementTimeoutMs + 1_000, 2 ** 31 - 1),
  }
}

function checkKnex(name: string, value: unknown): void {
  const client = (value as Knex | undefined)?.client
  if (client?.driverName !== 'pg') throw invalid(name, 'a knex whose client is pg', value)
}

function checkInteger(name: string, value: unknown, min: number, max: number): void {
  if (!Number.isInteger(value) || (value as number) < min || (value as number) > max) {
    throw invalid(name, `an integer from ${min} to ${max}`, value)
  }
}

function checkType(name: string, value: unknown, type: 'boolean' | 'function'): void {
  if (typeof value !== type) throw invalid(name, `a ${type}`, value)
}

function invalid(name: string, expected: string, value: unknown): DbSessionError {
  const kind = value === null ? 'null' : typeof value
  return new DbSessionError(
    'DB_SESSION_OPTION_INVALID',
    `Expected \`${name}\` to be ${expected}, got a value of type ${kind}`,
  )
}

function withoutUndefined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
