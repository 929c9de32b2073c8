/** The scheme of new hashes. */
export type Scheme = 'bcrypt' | 'bcrypt-sha256' | 'argon2id'

/**
 * Secret keys that go into every hash and are kept out of the database.
 */
export interface Pepper {
  /** The id of the key that new hashes are made with. */
  readonly current: string
  /** Every key that stored hashes were made with, by id: 1–32 of `A–Z a–z 0–9 . -`. A key has at least 32 bytes. */
  readonly keys: Readonly<Record<string, Uint8Array>>
}

/**
 * Verifies hashes that this package does not read, such as PBKDF2 or scrypt.
 *
 * @example
 * const unsaltedSha1: ForeignScheme = {
 *   matches: (hash) => /^[0-9a-f]{40}$/.test(hash),
 *   verify: (password, hash) => createHash('sha1').update(password).digest('hex') === hash,
 * }
 */
export interface ForeignScheme {
  /** Returns true for a hash of this scheme. It is asked before this package reads the hash itself. */
  matches(hash: string): boolean
  /**
   * Returns true if the password belongs to the hash. It runs in the hasher's queue. If it throws, the verdict is
   * `foreign-failed`.
   */
  verify(password: string, hash: string): Promise<boolean> | boolean
}

/** The options of {@link createHasher}. Everything has a default. */
export interface HasherOptions {
  /**
   * The scheme of new hashes. `bcrypt` takes passwords of up to 72 bytes; `bcrypt-sha256` (passlib's version 2)
   * digests longer ones first; `argon2id` needs Node.js 24.7.
   * @default 'bcrypt', and 'bcrypt-sha256' if there is a pepper
   */
  readonly scheme?: Scheme | undefined
  /**
   * The cost of new hashes of bcrypt, which runs 2^cost rounds. 10–15.
   * @default 12
   */
  readonly cost?: number | undefined
  /**
   * A stored bcrypt hash of a higher cost is refused before any work, since it would occupy a thread for as long as its
   * writer likes. From `cost` to 20.
   * @default 15
   */
  readonly maxCost?: number | undefined
  /**
   * The memory of new hashes of Argon2id, in KiB. 19,456–1,048,576.
   * @default 19456
   */
  readonly memory?: number | undefined
  /**
   * The number of times that Argon2id goes through its memory. 2–64.
   * @default 2
   */
  readonly passes?: number | undefined
  /**
   * The number of computations that run at the same time. 1–1024.
   * @default the number of cores, or of libuv's threads minus two, whichever is smaller
   */
  readonly concurrency?: number | undefined
  /**
   * The number of calls that may wait for their turn; one more is rejected with `AUTH_HASH_OVERLOADED`. 0–100,000. By
   * default the last of them waits about eight seconds at cost 12.
   * @default 32 × concurrency
   */
  readonly maxQueue?: number | undefined
  /** The secret keys. They need the scheme `bcrypt-sha256` or `argon2id`. */
  readonly pepper?: Pepper | undefined
  /**
   * Set it for a table that was filled by software that let bcrypt cut passwords off after 72 bytes: `verify` does so, too,
   * and `save` gets a hash of today's cost that does. `hash` still refuses such passwords.
   * @default false
   */
  readonly legacyTruncate?: boolean | undefined
  /**
   * Further schemes of stored hashes. A login with any of them is due for a hash of today's scheme.
   * @default []
   */
  readonly foreign?: readonly ForeignScheme[] | undefined
  /**
   * One hash of each other scheme that the table holds, of any password. From the start, every `verify` then does the
   * work of these schemes, too, so that its duration does not show which scheme a user's hash has, or that there is no
   * such user. A scheme without a placeholder is included after its first hash has been verified.
   * @default []
   */
  readonly placeholders?: readonly string[] | undefined
  /**
   * Allows costs of 4–9, and less memory and fewer passes. Only for tests: such hashes can be guessed quickly.
   * @default false
   */
  readonly unsafeLowCost?: boolean | undefined
}

/** The defaults of {@link HasherOptions}; `maxQueue` is `queuePerThread` times `concurrency`. */
export const DEFAULTS = Object.freeze({
  /** bcrypt runs 2^12 rounds. */
  cost: 12,
  /** The highest cost of a stored bcrypt hash that is still computed. */
  maxCost: 15,
  /** KiB; with `passes` and one lane, OWASP's parameters for Argon2id. */
  memory: 19_456,
  /** The number of times that Argon2id goes through its memory. */
  passes: 2,
  /** The number of calls that may wait for each computation that runs. */
  queuePerThread: 32,
  /** A password of more than 72 bytes is refused, not cut off. */
  legacyTruncate: false,
  /** Low costs are refused. */
  unsafeLowCost: false,
})
