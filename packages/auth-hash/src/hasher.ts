import type { Place, Stats } from './queue.ts'

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

/** What each call may be told. */
export interface HashOptions {
  /** Gives up while waiting for its turn; a computation that has begun is finished. */
  readonly signal?: AbortSignal | undefined
  /** From this hasher's `reserve`: the call takes it, and is not turned away. One that is taken or released is no place. */
  readonly place?: Place | undefined
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
   * Keeps a place in the queue for a call to come, so that whoever would be turned away is so before the work that
   * comes before hashing, such as finding the user. Release it in a `finally`: a place that is neither taken nor released
   * is lost for good.
   *
   * @throws {AuthHashError} `AUTH_HASH_OVERLOADED`
   */
  reserve(): Place
  /** Its load, as it is now and since it was made. */
  readonly stats: Stats
}
