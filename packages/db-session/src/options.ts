import { setTimeout as sleep } from 'node:timers/promises'
import type { Knex } from 'knex'
import { DbSessionError } from './errors.ts'

/** Postgres's isolation levels. */
export type Isolation = 'read committed' | 'repeatable read' | 'serializable'
/** Whether a session may write. */
export type Mode = 'read' | 'write'

/** Statements that follow each BEGIN in the same message. Values are strings, numbers, bigints, booleans or null. */
export type BeginStatements = BeginStatement | readonly BeginStatement[]
/** One of them; `$1` stands for the first value. */
export type BeginStatement = string | { readonly text: string; readonly values?: readonly unknown[] }

/** The options of one route, in `config: { db: … }`. */
export interface DbRoute {
  /** `'read'` makes the session READ ONLY. @default 'write' */
  readonly mode?: Mode
  /** The isolation level. @default Postgres's own, 'read committed' */
  readonly isolation?: Isolation
  /** How often the work runs again after a serialization failure or a deadlock: 0 to 100. @default 0 */
  readonly retry?: number
  /** The timeout of one statement, in milliseconds; 0 is none. @default the plugin's */
  readonly statementTimeoutMs?: number
  /** Only with mode 'read': reads from the replica, whose rows may be stale, if it gives a connection. @default false */
  readonly replica?: boolean
}

/** The options of one unit of work. */
export interface UnitOfWorkOptions extends DbRoute {
  /** Statements that follow BEGIN, after those of the option `begin`: a tenant's settings, say. @default none */
  readonly begin?: BeginStatements
}

/** Where warnings go: pino, Fastify's logger and `console` fit. */
export interface Log {
  /** Logs a warning. */
  warn(details: object, message: string): void
  /** Logs an error. */
  error(details: object, message: string): void
}

/** The options that requests and units of work share. Everything except `knex` has a default. */
export interface SessionOptions {
  /** The primary: a knex with the client `pg`. */
  readonly knex: Knex
  /** Serves the sessions that ask for `replica: true`. @default none */
  readonly replica?: Knex
  /** How long a session waits for a connection, in milliseconds, at least 1. @default 2000 */
  readonly acquireTimeoutMs?: number
  /** The timeout of one statement, in milliseconds; 0 is none. @default 10000 */
  readonly statementTimeoutMs?: number
  /** How long a transaction may sit idle before Postgres ends it, in milliseconds; 0 is forever. @default 60000 */
  readonly idleTimeoutMs?: number
  /** How long a transaction may sit idle between two statements before it is logged, in milliseconds. @default 200 */
  readonly idleReportMs?: number
  /** How long a transaction may stay open before it is logged as a leak, in milliseconds. @default 10000 */
  readonly leakReportMs?: number
  /** How long an interrupted connection may take to roll back before it is discarded, in milliseconds. @default 1000 */
  readonly cancelTimeoutMs?: number
  /** How long closing waits for open sessions, in milliseconds. @default 10000 */
  readonly closeTimeoutMs?: number
  /** Also destroys `knex` and `replica` when the app or the unit of work is closed. @default false */
  readonly closePools?: boolean
  /** Keeps the values of each statement in the timeline and the diagnostics. They are user data. @default false */
  readonly bindings?: boolean
  /** Milliseconds before run 2, 3, … of a work: random, up to `base` × 2ⁿ and `max`. @default { base: 5, max: 250 } */
  readonly backoff?: { readonly base: number; readonly max: number }
  /** The random source of the back-off. @default Math.random */
  readonly random?: () => number
  /** The timer of the back-off. @default node:timers/promises */
  readonly sleep?: (ms: number) => Promise<unknown>
}

/** The options of `createUnitOfWork`. */
export interface CreateUnitOfWorkOptions extends SessionOptions {
  /** Returns statements that follow each BEGIN, also when a work runs again. @default none */
  readonly begin?: () => BeginStatements
  /** Where warnings go. @default console */
  readonly log?: Log
}

/** What a transaction needs to know about its route or its unit of work, parsed once. */
export interface TransactionSpec {
  readonly mode: Mode
  readonly retry: number
  readonly usesReplica: boolean
  /** Each statement is a transaction of its own: a read at READ COMMITTED, where each has its own snapshot anyway. */
  readonly isPerStatement: boolean
  /** BEGIN and its limits. */
  readonly begin: readonly string[]
  /** How long Postgres may stay silent before the connection is given up, in milliseconds; 0 is forever. */
  readonly deadlineMs: number
}

const DEFAULTS = Object.freeze({
  acquireTimeoutMs: 2_000,
  statementTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
  idleReportMs: 200,
  leakReportMs: 10_000,
  cancelTimeoutMs: 1_000,
  closeTimeoutMs: 10_000,
  closePools: false,
  bindings: false,
  backoff: Object.freeze({ base: 5, max: 250 }),
  random: Math.random,
  sleep: (ms: number): Promise<unknown> => sleep(ms),
})

export type Settings = typeof DEFAULTS & SessionOptions

const SESSION_OPTIONS = ['knex', 'replica', 'begin', ...Object.keys(DEFAULTS)]
const ROUTE_OPTIONS = ['mode', 'isolation', 'retry', 'statementTimeoutMs', 'replica']
const ISOLATION_LEVELS = ['read committed', 'repeatable read', 'serializable']
const MAX_MS = 2 ** 31 - 1
/** Postgres ends a statement by itself; the client gives up only if that does not arrive. */
const DEADLINE_MARGIN_MS = 1_000

/** Checks the options and fills in the defaults. `further` names the options that only this caller has. */
export function parseSessionOptions(options: SessionOptions, further: readonly string[]): Settings {
  rejectUnknown(options, [...SESSION_OPTIONS, ...further])
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  const settings = { ...DEFAULTS, ...Object.fromEntries(given) } as Settings
  for (const name of ['knex', 'replica'] as const)
    check(name, settings[name], 'a knex whose client is pg', isKnex(settings[name], name === 'replica'))
  for (const [name, value] of Object.entries(settings))
    if (name.endsWith('Ms')) checkInteger(name, value, name === 'acquireTimeoutMs' ? 1 : 0, MAX_MS)
  checkInteger('backoff.base', settings.backoff?.base, 0, MAX_MS)
  checkInteger('backoff.max', settings.backoff.max, 0, MAX_MS)
  for (const name of ['closePools', 'bindings'] as const)
    check(name, settings[name], 'a boolean', typeof settings[name] === 'boolean')
  for (const name of ['random', 'sleep'] as const)
    check(name, settings[name], 'a function', typeof settings[name] === 'function')
  const { begin } = options as { begin?: unknown }
  check('begin', begin, 'a function', begin === undefined || typeof begin === 'function')
  return settings
}

/** Checks the options of a route, or of a unit of work, and prepares its BEGIN. */
export function parseTransactionSpec(route: DbRoute, settings: Settings): TransactionSpec {
  rejectUnknown(route, ROUTE_OPTIONS)
  const { mode = 'write', isolation = 'read committed', retry = 0, replica = false } = route
  const { statementTimeoutMs = settings.statementTimeoutMs } = route
  check('mode', mode, "'read' or 'write'", ['read', 'write'].includes(mode))
  check('isolation', isolation, `'${ISOLATION_LEVELS.join("', '")}'`, ISOLATION_LEVELS.includes(isolation))
  checkInteger('retry', retry, 0, 100)
  checkInteger('statementTimeoutMs', statementTimeoutMs, 0, MAX_MS)
  check('replica', replica, 'a boolean', typeof replica === 'boolean')
  check('replica', replica, "false unless `mode` is 'read'", !replica || mode === 'read')
  const level = route.isolation === undefined ? '' : ` ISOLATION LEVEL ${isolation.toUpperCase()}`
  const begin = [`BEGIN${level}${mode === 'read' ? ' READ ONLY' : ''}`]
  if (statementTimeoutMs > 0) begin.push(`SET LOCAL statement_timeout = ${statementTimeoutMs}`)
  if (settings.idleTimeoutMs > 0)
    begin.push(`SET LOCAL idle_in_transaction_session_timeout = ${settings.idleTimeoutMs}`)
  return {
    mode,
    retry,
    usesReplica: replica,
    isPerStatement: mode === 'read' && isolation === 'read committed',
    begin,
    deadlineMs: statementTimeoutMs === 0 ? 0 : Math.min(statementTimeoutMs + DEADLINE_MARGIN_MS, MAX_MS),
  }
}

/** Throws unless the value is valid. The message contains only the value's type. */
export function check(name: string, value: unknown, expected: string, isValid: boolean): void {
  if (isValid) return
  const type = value === null ? 'null' : typeof value
  throw invalidOption(`Expected \`${name}\` to be ${expected}, got a value of type ${type}.`)
}

export function invalidOption(message: string): DbSessionError {
  return new DbSessionError('DB_SESSION_OPTION_INVALID', undefined, message)
}

function checkInteger(name: string, value: unknown, min: number, max: number): void {
  const isValid = Number.isInteger(value) && (value as number) >= min && (value as number) <= max
  check(name, value, `an integer from ${min} to ${max}`, isValid)
}

function isKnex(value: Knex | undefined, isOptional: boolean): boolean {
  return value === undefined ? isOptional : value?.client?.driverName === 'pg'
}

function rejectUnknown(options: object, known: readonly string[]): void {
  check('options', options, 'an object', typeof options === 'object' && options !== null)
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const nearest = known.toSorted((a, b) => likeness(name, b) - likeness(name, a))[0] as string
    const hint =
      likeness(name, nearest) > 2 ? `Did you mean \`${nearest}\`?` : `The options are ${known.join(', ')}.`
    throw invalidOption(`Unknown option \`${name}\`. ${hint}`)
  }
}

/** Counts the letters that two names share at the start and at the end. */
function likeness(a: string, b: string): number {
  const [short, long] = [a.toLowerCase(), b.toLowerCase()].toSorted((x, y) => x.length - y.length) as [
    string,
    string,
  ]
  let start = 0
  while (start < short.length && short[start] === long[start]) start++
  let end = 0
  while (end < short.length - start && short.at(-1 - end) === long.at(-1 - end)) end++
  return start + end
}
