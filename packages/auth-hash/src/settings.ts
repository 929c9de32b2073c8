import type { KeyObject } from 'node:crypto'
import { createSecretKey } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { AuthHashError, kindOf } from './errors.ts'
import type { HasherOptions, Pepper, Scheme } from './options.ts'
import { DEFAULTS } from './options.ts'

/** The options once checked, with every default filled in. */
export interface Settings {
  readonly cost: number
  readonly maxCost: number
  readonly concurrency: number
  readonly maxQueue: number
  readonly scheme: Scheme
  readonly pepper: { readonly current: string; readonly keys: ReadonlyMap<string, KeyObject> } | undefined
  readonly legacyTruncate: boolean
}

/**
 * @throws {AuthHashError} `AUTH_HASH_INVALID_OPTION`
 */
export function settingsOf(options: HasherOptions): Settings {
  if (typeof options !== 'object' || options === null) throw invalid('options', 'an object', options)
  const {
    cost = DEFAULTS.cost,
    maxCost = DEFAULTS.maxCost,
    concurrency = threads(),
    maxQueue = DEFAULTS.queuePerThread * concurrency,
    legacyTruncate = DEFAULTS.legacyTruncate,
    unsafeLowCost = DEFAULTS.unsafeLowCost,
    pepper,
    scheme = pepper === undefined ? 'bcrypt' : 'bcrypt-sha256',
    ...unknown
  } = options
  const [stranger] = Object.keys(unknown)
  if (stranger !== undefined) {
    throw new AuthHashError('AUTH_HASH_INVALID_OPTION', `Unknown option \`${stranger}\``)
  }
  checkBoolean('legacyTruncate', legacyTruncate)
  checkBoolean('unsafeLowCost', unsafeLowCost)
  checkInteger('cost', cost, unsafeLowCost ? 4 : 10, 15)
  checkInteger('maxCost', maxCost, cost, 20)
  checkInteger('concurrency', concurrency, 1, 1024)
  checkInteger('maxQueue', maxQueue, 0, 100_000)
  if (scheme !== 'bcrypt-sha256' && (scheme !== 'bcrypt' || pepper !== undefined)) {
    throw invalid('scheme', "'bcrypt', or 'bcrypt-sha256' as a pepper needs it", scheme)
  }
  const keys = pepper === undefined ? undefined : pepperOf(pepper)
  return Object.freeze({ cost, maxCost, concurrency, maxQueue, scheme, pepper: keys, legacyTruncate })
}

/**
 * As many as have a core each, and leave libuv two threads for files and names; but one at least.
 */
export function defaultConcurrency(machine: { cores: number; threadPoolSize: number }): number {
  return Math.max(1, Math.min(machine.cores, machine.threadPoolSize - 2))
}

function threads(): number {
  return defaultConcurrency({
    cores: availableParallelism(),
    // libuv reads the variable likewise: 4 where there is none, else what leads it, from 1 to 1024.
    threadPoolSize: Math.min(1024, Number.parseInt(process.env.UV_THREADPOOL_SIZE ?? '4', 10) || 1),
  })
}

function pepperOf(pepper: Pepper): NonNullable<Settings['pepper']> {
  if (typeof pepper !== 'object' || pepper === null) throw invalid('pepper', 'an object', pepper)
  if (typeof pepper.keys !== 'object' || pepper.keys === null) {
    throw invalid('pepper.keys', 'an object', pepper.keys)
  }
  const keys = new Map(Object.entries(pepper.keys).map(([id, key]) => [id, keyOf(id, key)]))
  if (!keys.has(pepper.current)) throw invalid('pepper.current', 'an id of `pepper.keys`', pepper.current)
  return { current: pepper.current, keys }
}

function keyOf(id: string, key: Uint8Array): KeyObject {
  if (!/^[A-Za-z0-9.-]{1,32}$/.test(id)) {
    throw new AuthHashError(
      'AUTH_HASH_INVALID_OPTION',
      'Expected the ids of `pepper.keys` to be 1 to 32 of A-Z, a-z, 0-9, `.` and `-`',
    )
  }
  if (!(key instanceof Uint8Array) || key.length < 32) {
    throw invalid('pepper.keys', 'secret keys of at least 32 bytes, each a Uint8Array', key)
  }
  // Unlike its bytes, a KeyObject does not show in logs.
  return createSecretKey(key)
}

function checkInteger(name: string, value: unknown, least: number, most: number): void {
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return
  const expected = `an integer from ${least} to ${most}`
  throw invalid(name, expected, value, Number.isInteger(value) ? 'another' : kindOf(value))
}

function checkBoolean(name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw invalid(name, 'a boolean', value)
}

function invalid(name: string, expected: string, value: unknown, kind = kindOf(value)): AuthHashError {
  return new AuthHashError('AUTH_HASH_INVALID_OPTION', `Expected \`${name}\` to be ${expected}, got ${kind}`)
}
