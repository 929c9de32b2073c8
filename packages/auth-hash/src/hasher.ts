import type { Slot, Stats } from './queue.ts'

/** A hash as this package writes it. */
export type HashText = `$2b$${string}` | `$bcrypt-sha256$${string}`

/** Why a password was not accepted. For logs alone: told to a client, it says who has an account. */
export type Reason =
  | 'wrong-password'
  | 'no-hash'
  | 'malformed-hash'
  | 'cost-too-high'
  | 'unknown-pepper'
  | 'password-too-long'
  | 'password-has-nul'
  | 'password-not-unicode'

/** Whether a password was accepted. */
export type Verdict =
  | {
      /** The password is that of the hash. */
      readonly ok: true
      /** The hash that was given is due for a better one. Where `save` was passed, it has been called with that. */
      readonly needsRehash: boolean
    }
  | {
      /** It is not, or there was nothing to compare it with. */
      readonly ok: false
      /** Why; for logs alone. */
      readonly reason: Reason
    }

/** Options of a single call. */
export interface HashOptions {
  /** Takes a waiting call out of the queue. A computation that has started is finished. */
  readonly signal?: AbortSignal | undefined
  /**
   * Whose call it is, such as the client's network. Keys take turns in the queue. While calls of another key wait, one key
   * holds at most a quarter of the queue: its newest calls beyond that are rejected with `AUTH_HASH_OVERLOADED`.
   * @default all calls without a key share one
   */
  readonly key?: string | undefined
  /**
   * A slot from this hasher's {@link Hasher.reserve}, which this call uses instead of asking for one, with the slot's key. A slot
   * that was used or released before is ignored.
   */
  readonly slot?: Slot | undefined
}

/** What {@link Hasher.verify} judges. */
export interface VerifyInput extends HashOptions {
  /** As it was typed. */
  readonly password: string
  /** As stored; null or undefined where there is no such user. */
  readonly hash: string | null | undefined
  /**
   * Called with a better hash where one is due. Store `next` only where `previous` still stands, so that a password
   * changed meanwhile is not overwritten. What it throws, `verify` throws.
   */
  save?: ((next: HashText, previous: string) => Promise<void>) | undefined
}

/** Hashes and judges passwords, never more at a time than its options allow. Made by {@link createHasher}. */
export interface Hasher {
  /**
   * Hashes a password, in its normal form (NFC, RFC 8265 §4.2) and with a salt of its own: 128 random bits that stand
   * in the hash and make equal passwords have different hashes.
   *
   * @throws {AuthHashError} `AUTH_HASH_PASSWORD_TOO_LONG`, `AUTH_HASH_PASSWORD_HAS_NUL`,
   * `AUTH_HASH_PASSWORD_NOT_UNICODE`, `AUTH_HASH_INVALID_ARGUMENT`, `AUTH_HASH_OVERLOADED`
   */
  hash(password: string, options?: HashOptions): Promise<HashText>
  /**
   * Judges a password against a stored hash: hashes it once more with the salt and cost that stand there, and
   * compares. Nothing that is stored makes it throw, and the work depends on the password alone, unless the stored cost
   * is above the hasher's own.
   *
   * @throws {AuthHashError} `AUTH_HASH_INVALID_ARGUMENT`, `AUTH_HASH_OVERLOADED`
   */
  verify(input: VerifyInput): Promise<Verdict>
  /**
   * Reserves a slot in the queue for a later call, so that a call that would be rejected is rejected before the work that
   * precedes hashing, such as finding the user. Release it in a `finally` block: a slot that is neither used nor released
   * is lost forever. Calls of other keys can take a reserved slot away, as they can a waiting call's; the call that uses it is
   * then rejected.
   *
   * @throws {AuthHashError} `AUTH_HASH_OVERLOADED`
   *
   * @example
   * const slot = hasher.reserve({ key: request.ip })
   * try {
   *   const user = await findByEmail(email)
   *   return await hasher.verify({ password, hash: user?.hash, slot })
   * } finally {
   *   slot.release()
   * }
   */
  reserve(options?: Pick<HashOptions, 'key'>): Slot
  /** The load, now and since the hasher was created. */
  readonly stats: Stats
}
