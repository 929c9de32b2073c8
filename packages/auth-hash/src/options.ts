import type { KeyObject } from 'node:crypto'
import { createSecretKey } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { AuthHashError, kindOf } from './errors.ts'

/** How a password becomes what bcrypt is given. */
export type Scheme = 'bcrypt' | 'bcrypt-sha256'

/**
 * Secret keys that go into every hash and stay out of the database.
 */
export interface Pepper {
  /** The id of the key that new hashes are made with. */
  readonly current: string
  /** Every key that stored hashes were made with, by id: 1–32 of `A–Z a–z 0–9 . -`. A key has at least 32 bytes. */
  readonly keys: Readonly<Record<string, Uint8Array | KeyObject>>
}

export interface HasherOptions {
  /**
   * Of new hashes: bcrypt runs 2^cost rounds. 10–15.
   * @default 12
   */
  readonly cost?: number
  /**
   * A stored hash of a higher cost is refused at once, since it would hold a thread for as long as its writer likes.
   * From `cost` to 20.
   * @default 15
   */
  readonly maxCost?: number
  /**
   * How many computations run at the same time. 1–1024.
   * @default the number of cores, or of libuv's threads less two, whichever is smaller
   */
  readonly concurrency?: number
  /**
   * How many calls may wait for their turn; one more is told {@link OverloadedError}. 0–100,000.
   * @default 32 × concurrency
   */
  readonly maxQueue?: number
  /**
   * `bcrypt` takes passwords of up to 72 bytes; `bcrypt-sha256` (passlib's v2 format) digests longer ones first.
   * @default 'bcrypt', and 'bcrypt-sha256' where there is a pepper
   */
  readonly scheme?: Scheme
  /** Needs the scheme `bcrypt-sha256`. */
  readonly pepper?: Pepper
  /**
   * For tables filled by software that let bcrypt cut passwords off: `verify` does so too. New hashes are not affected.
   * @default false
   */
  readonly legacyTruncate?: boolean
  /**
   * Allows costs of 4–9. For tests alone: such hashes are guessed thousands of times a second.
   * @default false
   */
  readonly unsafeLowCost?: boolean
}

export const DEFAULTS = Object.freeze({
  cost: 12,
  maxCost: 15,
  queuePerThread: 32,
  legacyTruncate: false,
  unsafeLowCost: false,
})

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

const NAMES = new Set([
  'cost',
  'maxCost',
  'concurrency',
  'maxQueue',
  'scheme',
  'pepper',
  'legacyTruncate',
  'unsafeLowCost',
])

export function settingsOf(options: HasherOptions): Settings {
  if (typeof options !== 'object' || options === null) throw invalid('options', 'an object', options)
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name)) throw new AuthHashError('AUTH_HASH_INVALID_OPTION', `Unknown option \`${name}\``)
  }
  const unsafeLowCost = boolean('unsafeLowCost', options.unsafeLowCost ?? DEFAULTS.unsafeLowCost)
  const cost = integer('cost', options.cost ?? DEFAULTS.cost, unsafeLowCost ? 4 : 10, 15)
  const maxCost = integer('maxCost', options.maxCost ?? DEFAULTS.maxCost, cost, 20)
  const concurrency = integer('concurrency', options.concurrency ?? threads(), 1, 1024)
  const maxQueue = integer('maxQueue', options.maxQueue ?? DEFAULTS.queuePerThread * concurrency, 0, 100_000)
  const legacyTruncate = boolean('legacyTruncate', options.legacyTruncate ?? DEFAULTS.legacyTruncate)
  const pepper = options.pepper === undefined ? undefined : pepperOf(options.pepper)
  const scheme = options.scheme ?? (pepper ? 'bcrypt-sha256' : 'bcrypt')
  if (scheme !== 'bcrypt' && scheme !== 'bcrypt-sha256') {
    throw invalid('scheme', "'bcrypt' or 'bcrypt-sha256'", scheme)
  }
  if (pepper && scheme === 'bcrypt') {
    throw new AuthHashError(
      'AUTH_HASH_INVALID_OPTION',
      "Expected `scheme` to be 'bcrypt-sha256' beside a `pepper`",
    )
  }
  return Object.freeze({ cost, maxCost, concurrency, maxQueue, scheme, pepper, legacyTruncate })
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

function keyOf(id: string, key: Uint8Array | KeyObject): KeyObject {
  if (!/^[A-Za-z0-9.-]{1,32}$/.test(id)) {
    throw new AuthHashError(
      'AUTH_HASH_INVALID_OPTION',
      'Expected the ids of `pepper.keys` to be 1 to 32 of A-Z, a-z, 0-9, `.` and `-`',
    )
  }
  const secret = key instanceof Uint8Array ? createSecretKey(key) : key
  if (secret?.type !== 'secret' || (secret.symmetricKeySize ?? 0) < 32) {
    throw invalid('pepper.keys', 'secret keys of at least 32 bytes', key)
  }
  return secret
}

export function integer(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw invalid(name, `an integer from ${least} to ${most}`, value)
}

function boolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw invalid(name, 'a boolean', value)
}

function invalid(name: string, expected: string, value: unknown): AuthHashError {
  return new AuthHashError(
    'AUTH_HASH_INVALID_OPTION',
    `Expected \`${name}\` to be ${expected}, got ${kindOf(value)}`,
  )
}
