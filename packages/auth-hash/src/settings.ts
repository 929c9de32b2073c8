import type { KeyObject } from 'node:crypto'
import { createSecretKey } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { argon2Unavailable, hasArgon2 } from './argon2.ts'
import { AuthHashError, assertObject, describeKind, invalidOption, rejectUnknown } from './errors.ts'
import type { ForeignScheme, HasherOptions, Pepper, Scheme } from './options.ts'
import { DEFAULTS } from './options.ts'

/** The checked options, with every default filled in. */
export interface Settings {
  readonly scheme: Scheme
  readonly cost: number
  readonly maxCost: number
  readonly memory: number
  readonly passes: number
  readonly concurrency: number
  readonly maxQueue: number
  readonly pepper: { readonly current: string; readonly keys: ReadonlyMap<string, KeyObject> } | undefined
  readonly legacyTruncate: boolean
  readonly foreign: readonly ForeignScheme[]
  readonly placeholders: readonly string[]
}

/**
 * @throws {AuthHashError} `AUTH_HASH_INVALID_OPTION`, `AUTH_HASH_ARGON2_UNAVAILABLE`
 */
export function resolveSettings(options: HasherOptions): Settings {
  assertObject('options', options)
  const {
    pepper,
    scheme = pepper === undefined ? 'bcrypt' : 'bcrypt-sha256',
    cost = DEFAULTS.cost,
    maxCost = DEFAULTS.maxCost,
    memory = DEFAULTS.memory,
    passes = DEFAULTS.passes,
    concurrency = availableThreads(),
    maxQueue = DEFAULTS.queuePerThread * concurrency,
    legacyTruncate = DEFAULTS.legacyTruncate,
    foreign = [],
    placeholders = [],
    unsafeLowCost = DEFAULTS.unsafeLowCost,
    ...unknown
  } = options
  rejectUnknown('', unknown)
  checkBoolean('legacyTruncate', legacyTruncate)
  checkBoolean('unsafeLowCost', unsafeLowCost)
  checkInteger('cost', cost, unsafeLowCost ? 4 : 10, 15)
  checkInteger('maxCost', maxCost, cost, 20)
  checkInteger('memory', memory, unsafeLowCost ? 8 : DEFAULTS.memory, 1_048_576)
  checkInteger('passes', passes, unsafeLowCost ? 1 : DEFAULTS.passes, 64)
  checkInteger('concurrency', concurrency, 1, 1024)
  checkInteger('maxQueue', maxQueue, 0, 100_000)
  if (!['bcrypt', 'bcrypt-sha256', 'argon2id'].includes(scheme) || (scheme === 'bcrypt' && pepper)) {
    throw invalidOption('scheme', "'bcrypt', or 'bcrypt-sha256' or 'argon2id', which take a pepper", scheme)
  }
  if (scheme === 'argon2id' && !hasArgon2) throw argon2Unavailable()
  return Object.freeze({
    scheme,
    cost,
    maxCost,
    memory,
    passes,
    concurrency,
    maxQueue,
    pepper: pepper === undefined ? undefined : checkPepper(pepper),
    legacyTruncate,
    foreign: checkForeign(foreign),
    placeholders: checkArray('placeholders', placeholders),
  })
}

/**
 * Returns the number of cores, or of libuv's threads minus two for files and host names, whichever is smaller; at
 * least 1.
 */
export function defaultConcurrency(machine: { cores: number; threadPoolSize: number }): number {
  return Math.max(1, Math.min(machine.cores, machine.threadPoolSize - 2))
}

function availableThreads(): number {
  return defaultConcurrency({
    cores: availableParallelism(),
    // As libuv reads the variable: 4 if it is not set, otherwise the number at its start, from 1 to 1024.
    threadPoolSize: Math.min(1024, Number.parseInt(process.env.UV_THREADPOOL_SIZE ?? '4', 10) || 1),
  })
}

function checkPepper(pepper: Pepper): NonNullable<Settings['pepper']> {
  assertObject('pepper', pepper)
  const { current, keys, ...unknown } = pepper
  rejectUnknown('pepper.', unknown)
  assertObject('pepper.keys', keys)
  const checked = new Map(Object.entries(keys).map(([id, key]) => [id, checkKey(id, key)]))
  if (!checked.has(current)) throw invalidOption('pepper.current', 'an id of `pepper.keys`', current)
  return { current, keys: checked }
}

function checkKey(id: string, key: Uint8Array): KeyObject {
  if (!/^[A-Za-z0-9.-]{1,32}$/.test(id)) {
    throw new AuthHashError(
      'AUTH_HASH_INVALID_OPTION',
      'Expected the ids of `pepper.keys` to be 1 to 32 of A-Z, a-z, 0-9, `.` and `-`',
    )
  }
  if (!(key instanceof Uint8Array) || key.length < 32) {
    throw invalidOption('pepper.keys', 'secret keys of at least 32 bytes, each a Uint8Array', key)
  }
  // Unlike its bytes, a KeyObject does not appear in logs.
  return createSecretKey(key)
}

function checkForeign(foreign: readonly ForeignScheme[]): readonly ForeignScheme[] {
  for (const [index, scheme] of checkArray('foreign', foreign).entries()) {
    const name = `foreign[${index}]`
    assertObject(name, scheme)
    const { matches, verify, ...unknown } = scheme
    rejectUnknown(`${name}.`, unknown)
    if (typeof matches !== 'function') throw invalidOption(`${name}.matches`, 'a function', matches)
    if (typeof verify !== 'function') throw invalidOption(`${name}.verify`, 'a function', verify)
  }
  return foreign
}

function checkArray<T>(name: string, value: readonly T[]): readonly T[] {
  if (!Array.isArray(value)) throw invalidOption(name, 'an array', value)
  return value
}

function checkInteger(name: string, value: unknown, least: number, most: number): void {
  if (Number.isInteger(value) && Number(value) >= least && Number(value) <= most) return
  const expected = `an integer from ${least} to ${most}`
  throw invalidOption(
    name,
    expected,
    value,
    Number.isInteger(value) ? 'another integer' : describeKind(value),
  )
}

function checkBoolean(name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw invalidOption(name, 'a boolean', value)
}
