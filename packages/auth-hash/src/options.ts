/** How a password becomes what bcrypt is given. */
export type Scheme = 'bcrypt' | 'bcrypt-sha256'

/**
 * Secret keys that go into every hash and stay out of the database.
 */
export interface Pepper {
  /** The id of the key that new hashes are made with. */
  readonly current: string
  /** Every key that stored hashes were made with, by id: 1–32 of `A–Z a–z 0–9 . -`. A key has at least 32 bytes. */
  readonly keys: Readonly<Record<string, Uint8Array>>
}

/** What {@link createHasher} may be told. Everything has a default. */
export interface HasherOptions {
  /**
   * Of new hashes: bcrypt runs 2^cost rounds. 10–15.
   * @default 12
   */
  readonly cost?: number | undefined
  /**
   * A stored hash of a higher cost is refused at once, since it would hold a thread for as long as its writer likes.
   * From `cost` to 20.
   * @default 15
   */
  readonly maxCost?: number | undefined
  /**
   * How many computations run at the same time. 1–1024.
   * @default the number of cores, or of libuv's threads less two, whichever is smaller
   */
  readonly concurrency?: number | undefined
  /**
   * How many calls may wait for their turn; one more is told `AUTH_HASH_OVERLOADED`. 0–100,000. By default the last
   * of them waits about eight seconds at cost 12.
   * @default 32 × concurrency
   */
  readonly maxQueue?: number | undefined
  /**
   * `bcrypt` takes passwords of up to 72 bytes; `bcrypt-sha256` (passlib's v2 format) digests longer ones first.
   * @default 'bcrypt', and 'bcrypt-sha256' where there is a pepper
   */
  readonly scheme?: Scheme | undefined
  /** Needs the scheme `bcrypt-sha256`. */
  readonly pepper?: Pepper | undefined
  /**
   * For tables filled by software that let bcrypt cut passwords off: `verify` does so too. New hashes are not affected.
   * @default false
   */
  readonly legacyTruncate?: boolean | undefined
  /**
   * Allows costs of 4–9. For tests alone: such hashes are guessed thousands of times a second.
   * @default false
   */
  readonly unsafeLowCost?: boolean | undefined
}

/** What an option is where it is not given; `maxQueue` is `queuePerThread` times `concurrency`. */
export const DEFAULTS = Object.freeze({
  /** Of new hashes: 2^12 rounds. */
  cost: 12,
  /** The highest cost of a stored hash that is still computed. */
  maxCost: 15,
  /** How many may wait for each computation that runs. */
  queuePerThread: 32,
  /** A password of more than 72 bytes is refused, not cut off. */
  legacyTruncate: false,
  /** Costs below 10 are refused. */
  unsafeLowCost: false,
})
