import type { AbortSignalLike, Slot, Stats } from './queue.ts'

/** A hash as this package writes it. */
export type HashText = `$2b$${string}` | `$bcrypt-sha256$${string}` | `$argon2id$${string}`

/** The reason why a password was not accepted. Log it, but never send it: a client could find out who has an account. */
export type Reason =
  | 'wrong-password'
  | 'no-hash'
  /** The stored hash is damaged, or is not a hash. */
  | 'malformed-hash'
  /** The stored hash is sound, but of a scheme that this hasher cannot compute: see {@link HasherOptions.foreign}. */
  | 'unsupported-scheme'
  /** A foreign scheme threw; `cause` is what it threw. */
  | 'foreign-failed'
  | 'cost-too-high'
  | 'unknown-pepper'
  | 'password-too-long'
  | 'password-has-nul'
  | 'password-not-unicode'

/** The result of {@link Hasher.verify}. */
export type Verdict =
  | {
      /** The password belongs to the hash. */
      readonly ok: true
      /** The hash is due for a better one. If `save` was passed, it has been called with that. */
      readonly needsRehash: boolean
    }
  | {
      /** The password does not belong to the hash, or there is nothing to compare it with. */
      readonly ok: false
      /** The reason, for logs only. */
      readonly reason: Reason
      /** The error that a foreign scheme threw, if the reason is `foreign-failed`. */
      readonly cause?: unknown
    }

/** Options of a single call. */
export interface HashOptions {
  /** Takes a waiting call out of the queue. A computation that has started is finished. */
  readonly signal?: AbortSignalLike | undefined
  /**
   * Identifies the caller, such as the client's network. Keys take turns in the queue. While calls of another key
   * wait, one key holds at most a quarter of the queue: its newest calls beyond that are rejected with
   * `AUTH_HASH_OVERLOADED`.
   * @default all calls without a key share one
   */
  readonly key?: string | undefined
  /**
   * A slot from this hasher's {@link Hasher.reserve}, which this call uses instead of asking for one, with the slot's
   * key. A slot that was used or released before is ignored.
   */
  readonly slot?: Slot | undefined
}

/** The arguments of {@link Hasher.verify}. */
export interface VerifyInput extends HashOptions {
  /** The password as it was typed. */
  readonly password: string
  /** The stored hash; null or undefined if there is no such user. */
  readonly hash: string | null | undefined
  /**
   * Called with a better hash if one is due, and awaited. Store `next` only if the row still contains `previous`, so
   * that a password that was changed in between is not overwritten. If it throws, `verify` throws the same.
   */
  readonly save?: ((next: HashText, previous: string) => Promise<unknown> | unknown) | undefined
}

/** Hashes and verifies passwords, never more at a time than its options allow. Made by {@link createHasher}. */
export interface Hasher {
  /**
   * Hashes a password, in its normal form (NFC, RFC 8265 §4.2) and with its own salt: 128 random bits that are part
   * of the hash and make equal passwords have different hashes.
   *
   * @throws {AuthHashError} `AUTH_HASH_PASSWORD_TOO_LONG`, `AUTH_HASH_PASSWORD_HAS_NUL`,
   * `AUTH_HASH_PASSWORD_NOT_UNICODE`, `AUTH_HASH_INVALID_ARGUMENT` if it is not a string, `AUTH_HASH_INVALID_OPTION`,
   * `AUTH_HASH_OVERLOADED`, `AUTH_HASH_BCRYPT_UNAVAILABLE`
   */
  hash(password: string, options?: HashOptions): Promise<HashText>
  /**
   * Compares a password with a stored hash: hashes it again with the stored salt and cost, and compares the digests. No
   * stored value makes it throw, and the work depends only on the password, unless the stored cost is above the
   * hasher's own.
   *
   * @throws {AuthHashError} `AUTH_HASH_INVALID_ARGUMENT` if the password is not a string, `AUTH_HASH_INVALID_OPTION`,
   * `AUTH_HASH_OVERLOADED`, `AUTH_HASH_BCRYPT_UNAVAILABLE`
   */
  verify(input: VerifyInput): Promise<Verdict>
  /**
   * Returns true unless a stored hash is as good as what `hash` makes: if it is weaker, of another scheme, made with
   * another pepper, or cannot be verified at all. It computes nothing, so it can go through a table.
   *
   * @example
   * const weak = rows.filter(({ password }) => hasher.needsRehash(password))
   */
  needsRehash(hash: string | null | undefined): boolean
  /**
   * Reserves a slot in the queue for a later call, so that a call that would be rejected is rejected before the work
   * that precedes hashing, such as finding the user. Release it in a `finally` block: a slot that is neither used nor
   * released is lost forever. Calls of other keys can take a reserved slot away, as they can a waiting call's; the
   * call that uses it is then rejected.
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
