import type { JsonWebKey } from 'node:crypto'
import { inspect } from 'node:util'
import { ALGORITHMS, type Algorithm } from './algorithms.ts'
import { JwtKitError } from './errors.ts'
import { type KeyInput, type KeyPair, readKey } from './key-material.ts'

/** A key of a ring. */
export interface KeyEntry {
  /** The key id, written into the header of each token: 1 to 64 letters, digits, `.`, `_`, `-`, `:`. */
  readonly kid: string
  /** The secret, the private key, or a public key that verifies only. */
  readonly key: KeyInput
  /** The public half of a private `key`, to be checked against it. Not needed otherwise. */
  readonly publicKey?: KeyInput
  /**
   * The moment from which a retired key verifies no longer: a `Date`, or ISO 8601 with `Z` or an offset. A key that has one
   * never signs.
   */
  readonly verifyUntil?: Date | string
}

/** A key as the kit uses it. */
export interface RingKey extends KeyPair {
  readonly kid: string
  /** Milliseconds since the epoch; infinite for a key that is not retired. */
  readonly verifyUntil: number
}

/** The public halves of a ring (RFC 7517 §5). */
export interface Jwks {
  /** One for each key. */
  readonly keys: readonly JsonWebKey[]
}

/** The keys themselves, for this package alone: they are no property that could be printed. */
export let keysOf: (ring: Keyring) => ReadonlyMap<string, RingKey>

/** Keys of one algorithm, by key id. Made by {@link keyring}. */
export class Keyring {
  /** What all its keys sign and verify with. */
  readonly algorithm: Algorithm
  readonly #keys: ReadonlyMap<string, RingKey>

  constructor(algorithm: Algorithm, keys: ReadonlyMap<string, RingKey>) {
    this.algorithm = algorithm
    this.#keys = keys
    Object.freeze(this)
  }

  /**
   * The public halves, ready to be served at `/.well-known/jwks.json`. A ring of secrets has none.
   *
   * @param at - leave out the keys that are retired by then; all are there without it.
   */
  jwks(at?: Date): Jwks {
    const moment = at?.getTime() ?? Number.NEGATIVE_INFINITY
    const keys = [...this.#keys.values()].filter(
      (key) => key.verifies.type === 'public' && moment < key.verifyUntil,
    )
    return {
      keys: keys.map(({ kid, verifies }) => ({
        ...verifies.export({ format: 'jwk' }),
        kid,
        alg: this.algorithm,
        use: 'sig',
      })),
    }
  }

  /** The algorithm and the key ids, without the keys. */
  toString(): string {
    return `[Keyring ${[this.algorithm, ...this.#keys.keys()].join(' ')}]`
  }

  /** The same: no key gets into JSON. */
  toJSON(): string {
    return this.toString()
  }

  /** The same: no key gets into `console.log`. */
  [inspect.custom](): string {
    return this.toString()
  }

  static {
    keysOf = (ring) => ring.#keys
  }
}

/**
 * Puts the keys of one algorithm on a ring. The first that is not retired and can sign, signs; all verify, by key id.
 *
 * To change keys: add the new one last and roll out, move it to the front and roll out, give the old one a `verifyUntil` of
 * the longest life of a token from now.
 *
 * @throws {JwtKitError} `JWT_KIT_KEY` where a key is weak or does not fit the algorithm; `JWT_KIT_OPTIONS` for the rest.
 *
 * @example
 * ```js
 * import { randomBytes } from 'node:crypto'
 * import { keyring } from '@auth-primer/jwt-kit'
 *
 * // Random here, so that no secret is printed; yours come from the environment.
 * const ring = keyring('HS256', [
 *   { kid: '2026-11', key: randomBytes(32) },
 *   { kid: '2026-10', key: randomBytes(32), verifyUntil: '2026-12-01T00:00:00Z' },
 * ])
 * console.log(`${ring}`) // [Keyring HS256 2026-11 2026-10]
 * ```
 */
export function keyring(algorithm: Algorithm, entries: readonly KeyEntry[]): Keyring {
  if (!ALGORITHMS.includes(algorithm)) {
    throw options(
      'Expected the algorithm of a keyring to be one that is known',
      `Use ${ALGORITHMS.join(', ')}.`,
    )
  }
  if (!Array.isArray(entries) || entries.length === 0) {
    throw options('Expected a keyring to have a key at least', 'Give it [{ kid, key }].')
  }
  const keys = new Map<string, RingKey>()
  for (const entry of entries as readonly KeyEntry[]) {
    const kid = checkKid(entry?.kid)
    if (keys.has(kid))
      throw options(`Expected each key id once, got ${kid} twice`, 'Give each key an id of its own.')
    const pair = readKey(algorithm, kid, entry.key, entry.publicKey)
    keys.set(kid, { ...pair, kid, verifyUntil: moment(entry.verifyUntil) })
  }
  return new Keyring(algorithm, keys)
}

function checkKid(kid: unknown): string {
  if (typeof kid === 'string' && /^[\w.:-]{1,64}$/.test(kid)) return kid
  throw options(
    'Expected `kid` to be 1 to 64 letters, digits, ".", "_", "-" or ":"',
    'A month, as in 2026-11, makes a good key id.',
  )
}

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/

function moment(value: unknown): number {
  if (value === undefined) return Number.POSITIVE_INFINITY
  const time =
    value instanceof Date
      ? value.getTime()
      : Date.parse(typeof value === 'string' && ISO.test(value) ? value : '')
  if (Number.isFinite(time)) return time
  throw options(
    'Expected `verifyUntil` to be a Date, or ISO 8601 with a time zone',
    `Write it as in '2026-12-01T00:00:00Z'.`,
  )
}

function options(message: string, hint: string): JwtKitError {
  return new JwtKitError('JWT_KIT_OPTIONS', message, { hint })
}
