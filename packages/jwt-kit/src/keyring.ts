import { inspect } from 'node:util'
import { ALGORITHMS, type Algorithm } from './algorithms.ts'
import { isObject } from './encoding.ts'
import { JwtKitError } from './errors.ts'
import { isForVerifying, type Jwk, type Jwks, thumbprint } from './jwk.ts'
import { type KeyInput, type KeyPair, readKey } from './key-material.ts'
import { checkOptionNames } from './option-checks.ts'

/** A key of a ring. */
export interface KeyEntry {
  /** The key id, written into the header of each token: 1 to 128 letters, digits and `. _ - : + / = ~ @`. */
  readonly kid: string
  /**
   * The secret, the private key, or a public key that only verifies. Undefined is an error at start: the type allows it for the
   * value of an environment variable.
   */
  readonly key: KeyInput | undefined
  /** The public half of a private `key`, to be checked against it. It is not needed otherwise. */
  readonly publicKey?: KeyInput
  /** The passphrase of a `key` that is an encrypted PEM block. */
  readonly passphrase?: string
  /**
   * The time from which a retired key no longer verifies: a `Date`, or ISO 8601 with `Z` or an offset. A key that has one
   * never signs.
   */
  readonly verifyUntil?: Date | string
}

/** A key as the kit uses it. @internal */
export interface RingKey extends KeyPair {
  readonly kid: string
  /** Milliseconds since the epoch; infinite if the key is not retired. */
  readonly verifyUntil: number
}

/** Returns the keys of a ring. A function of this package, so that no property could print them. @internal */
export let readRingKeys: (ring: Keyring) => ReadonlyMap<string, RingKey>

/** Keys of one algorithm, by key id. Made by {@link keyring}. */
export class Keyring {
  /** The algorithm of all its keys. */
  readonly algorithm: Algorithm
  readonly #keys: ReadonlyMap<string, RingKey>

  /** @internal */
  constructor(algorithm: Algorithm, keys: ReadonlyMap<string, RingKey>) {
    this.algorithm = algorithm
    this.#keys = keys
    Object.freeze(this)
  }

  /**
   * Returns the public halves, to be served at `/.well-known/jwks.json`. A ring of secrets has none.
   *
   * @param at - leaves out the keys that are retired by then. Without it, all keys are returned.
   */
  jwks(at?: Date): Jwks {
    const time = at?.getTime() ?? Number.NEGATIVE_INFINITY
    const keys = [...this.#keys.values()].filter(
      (key) => key.verificationKey.type === 'public' && time < key.verifyUntil,
    )
    return {
      keys: keys.map(({ kid, verificationKey }) => {
        // The export of a public key is a JWK of public members.
        const jwk = verificationKey.export({ format: 'jwk' }) as Jwk
        return { ...jwk, kid, alg: this.algorithm, use: 'sig' }
      }),
    }
  }

  /** Returns the algorithm and the key ids, without the keys. */
  toString(): string {
    return `[Keyring ${[this.algorithm, ...this.#keys.keys()].join(' ')}]`
  }

  /** Returns the same text, so that no key gets into JSON. */
  toJSON(): string {
    return this.toString()
  }

  static {
    readRingKeys = (ring) => ring.#keys
    // Defined here, so that the public type needs no types of Node.
    Object.defineProperty(Keyring.prototype, inspect.custom, {
      value(this: Keyring) {
        return this.toString()
      },
    })
  }
}

/**
 * Puts the keys of one algorithm on a ring. The first key that is not retired and can sign, signs; all verify, by key id.
 *
 * A JWKS can be given instead of entries. Its keys for encryption and for other algorithms are ignored (RFC 7517 §5), and a
 * key without a `kid` gets its thumbprint (RFC 7638).
 *
 * To rotate keys, add the new one last and roll out, move it to the front and roll out, and give the old one a `verifyUntil`
 * of the longest lifetime of a token from now.
 *
 * @throws {JwtKitError} `JWT_KIT_KEY` if a key is weak or does not fit the algorithm; `JWT_KIT_OPTIONS` for the rest.
 *
 * @example
 * ```js
 * import { randomBytes } from 'node:crypto'
 * import { keyring } from '@auth-primer/jwt-kit'
 *
 * // Random here, so that no secret is printed. Yours come from the environment.
 * const ring = keyring('HS256', [
 *   { kid: '2026-11', key: randomBytes(32) },
 *   { kid: '2026-10', key: randomBytes(32), verifyUntil: '2026-12-01T00:00:00Z' },
 * ])
 * console.log(`${ring}`) // [Keyring HS256 2026-11 2026-10]
 * ```
 */
export function keyring(algorithm: Algorithm, entries: readonly KeyEntry[] | Jwks): Keyring {
  if (!ALGORITHMS.includes(algorithm)) {
    throw invalid('Expected the algorithm of a keyring to be a known one', `Use ${ALGORITHMS.join(', ')}.`)
  }
  const list = isObject(entries) ? readJwks(algorithm, (entries as unknown as Jwks).keys) : entries
  if (!Array.isArray(list) || list.length === 0) {
    throw invalid('Expected a keyring to have at least one key', 'Give it [{ kid, key }], or a JWKS.')
  }
  const keys = new Map<string, RingKey>()
  for (const entry of list as readonly KeyEntry[]) {
    checkEntry(algorithm, entry)
    const { kid } = entry
    if (keys.has(kid))
      throw invalid(`Expected each key id once, got ${kid} twice`, 'Give each key an id of its own.')
    keys.set(kid, { ...readKey(algorithm, kid, entry), kid, verifyUntil: readTime(entry.verifyUntil) })
  }
  return new Keyring(algorithm, keys)
}

function readJwks(algorithm: Algorithm, jwks: unknown): readonly KeyEntry[] {
  if (!Array.isArray(jwks))
    throw invalid('Expected `keys` of a JWKS to be a list', 'Give it { keys: [ … ] }.')
  const fitting = (jwks as readonly Jwk[]).filter((jwk) => isObject(jwk) && isForVerifying(algorithm, jwk))
  if (fitting.length > 0) return fitting.map((jwk) => ({ kid: jwk.kid ?? thumbprint(jwk), key: jwk }))
  throw invalid(
    `Expected the JWKS to have a key for ${algorithm}`,
    'Look at `alg`, `kty` and `use` of its keys.',
  )
}

const ENTRY_NAMES = ['kid', 'key', 'publicKey', 'passphrase', 'verifyUntil']
const KID = /^[\w.:+/=~@-]{1,128}$/

function checkEntry(algorithm: Algorithm, entry: unknown): void {
  if (!isObject(entry)) throw invalid('Expected each entry of a keyring to be { kid, key }', 'Wrap the key.')
  if (entry.kty !== undefined && entry.key === undefined) {
    const hint = `Give the whole set, keyring('${algorithm}', jwks), or wrap each JWK: { kid: jwk.kid, key: jwk }.`
    throw invalid('Expected each entry of a keyring to be { kid, key }, got a JWK', hint)
  }
  checkOptionNames('a keyring entry', entry, ENTRY_NAMES)
  if (typeof entry.kid === 'string' && KID.test(entry.kid)) return
  throw invalid(
    'Expected `kid` to be 1 to 128 letters, digits or ". _ - : + / = ~ @"',
    'A month, as in 2026-11, makes a good key id.',
  )
}

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/

function readTime(value: unknown): number {
  if (value === undefined) return Number.POSITIVE_INFINITY
  const time =
    value instanceof Date
      ? value.getTime()
      : Date.parse(typeof value === 'string' && ISO.test(value) ? value : '')
  if (Number.isFinite(time)) return time
  throw invalid(
    'Expected `verifyUntil` to be a Date, or ISO 8601 with a time zone',
    `Write it as in '2026-12-01T00:00:00Z'.`,
  )
}

function invalid(message: string, hint: string): JwtKitError {
  return new JwtKitError('JWT_KIT_OPTIONS', message, { hint })
}
