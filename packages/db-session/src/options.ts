import { setTimeout as sleep } from 'node:timers/promises'
import { closestMatch } from 'leven'
import { DbSessionError } from './errors.ts'
import { type Encoded, encode } from './pg-wire.ts'
import type { DbRoute, SessionOptions } from './types.ts'

/** The settings of a transaction, parsed once per route or unit of work. */
export interface TransactionSpec {
  readonly mode: 'read' | 'write'
  readonly retry: number
  readonly usesReplica: boolean
  /** True for a read at READ COMMITTED: each statement is a separate transaction, as each has its own snapshot anyway. */
  readonly isPerStatement: boolean
  /** BEGIN and its limits. */
  readonly statements: readonly string[]
  readonly begin: Encoded
  /** The time that Postgres may stay silent before the connection is given up, in milliseconds; 0 is forever. */
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
export const UNIT_OPTIONS = [...ROUTE_OPTIONS, 'begin']
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
    if (name === 'knex' || name in settings)
      check(name, settings[name], 'a knex whose client is pg', settings[name]?.client?.driverName === 'pg')
  for (const [name, value] of Object.entries(settings)) {
    const type = name === 'begin' ? 'function' : typeof DEFAULTS[name as keyof typeof DEFAULTS]
    if (type === 'number') checkInteger(name, value, name === 'acquireTimeoutMs' ? 1 : 0, MAX_MS)
    if (type === 'boolean' || type === 'function') check(name, value, `a ${type}`, typeof value === type)
  }
  checkInteger('backoff.base', settings.backoff?.base, 0, MAX_MS)
  checkInteger('backoff.max', settings.backoff.max, 0, MAX_MS)
  rejectUnknown(settings.backoff, ['base', 'max'])
  return settings
}

/** Checks the options of a route, or of a unit of work, and prepares its BEGIN. */
export function parseTransactionSpec(settings: Settings, route: DbRoute = {}, known = ROUTE_OPTIONS) {
  rejectUnknown(route, known)
  const { mode = 'write', isolation = 'read committed', retry = 0, replica = false } = route
  const { statementTimeoutMs = settings.statementTimeoutMs } = route
  check('mode', mode, "'read' or 'write'", ['read', 'write'].includes(mode))
  check('isolation', isolation, `'${ISOLATION_LEVELS.join("', '")}'`, ISOLATION_LEVELS.includes(isolation))
  checkInteger('retry', retry, 0, 100)
  checkInteger('statementTimeoutMs', statementTimeoutMs, 0, MAX_MS)
  check('replica', replica, 'a boolean', typeof replica === 'boolean')
  check('replica', replica, "false unless `mode` is 'read'", !replica || mode === 'read')
  const level = route.isolation === undefined ? '' : ` ISOLATION LEVEL ${isolation.toUpperCase()}`
  const statements = [`BEGIN${level}${mode === 'read' ? ' READ ONLY' : ''}`]
  if (statementTimeoutMs > 0) statements.push(`SET LOCAL statement_timeout = ${statementTimeoutMs}`)
  if (settings.idleTimeoutMs > 0)
    statements.push(`SET LOCAL idle_in_transaction_session_timeout = ${settings.idleTimeoutMs}`)
  return {
    mode,
    retry,
    usesReplica: replica,
    isPerStatement: mode === 'read' && isolation === 'read committed',
    statements,
    begin: encode(statements),
    deadlineMs: statementTimeoutMs === 0 ? 0 : Math.min(statementTimeoutMs + DEADLINE_MARGIN_MS, MAX_MS),
  } satisfies TransactionSpec
}

/** Throws unless the value is valid. The message contains only the value's type. */
export function check(name: string, value: unknown, expected: string, isValid: boolean): void {
  if (isValid) return
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  throw invalidOption(`Expected \`${name}\` to be ${expected}, got a value of type ${type}.`)
}

export function invalidOption(message: string): DbSessionError {
  return new DbSessionError('DB_SESSION_OPTION_INVALID', undefined, message)
}

function checkInteger(name: string, value: unknown, min: number, max: number): void {
  const isValid = Number.isInteger(value) && (value as number) >= min && (value as number) <= max
  check(name, value, `an integer from ${min} to ${max}`, isValid)
}

function rejectUnknown(options: object, known: readonly string[]): void {
  check('options', options, 'an object', Object(options) === options && !Array.isArray(options))
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue
    const nearest = closestMatch(name, known, { maxDistance: Math.max(2, name.length / 2) })
    const hint = nearest ? `Did you mean \`${nearest}\`?` : `The options are ${known.join(', ')}.`
    throw invalidOption(`Unknown option \`${name}\`. ${hint}`)
  }
}
