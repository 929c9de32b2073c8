import { createHasher } from './create-hasher.ts'
import { assertObject, rejectOptions } from './errors.ts'
import type { Hasher, HashOptions, HashText } from './hasher.ts'

let shared: Hasher | undefined

/** Returns the hasher with the default options, created when it is first needed. */
function hasher(): Hasher {
  shared ??= createHasher()
  return shared
}

/**
 * Hashes a password with the default options. The cost is one of them: `hash(password, 10)` of other packages is an error.
 *
 * Hashing is not encryption: there is no key, and nobody can get the password back. Each hash has its own salt, so two
 * equal passwords have different hashes.
 *
 * @throws {AuthHashError} as {@link Hasher.hash} does
 *
 * @example
 * const stored = await hash(password)
 * await compare(password, stored) // true
 */
export function hash(password: string, options?: HashOptions): Promise<HashText> {
  return hasher().hash(password, options)
}

/**
 * Returns true if the stored hash was made from this password.
 *
 * The password is hashed again, with the salt and the cost that the stored hash contains, and the two digests are
 * compared. A hash as the first argument does not compile if its type shows that it is one.
 *
 * @throws {AuthHashError} as {@link Hasher.verify} does
 */
export async function compare<Password extends string>(
  password: Password extends HashText ? never : Password,
  hash: string | null | undefined,
  options: HashOptions = {},
): Promise<boolean> {
  assertObject('options', options)
  const verdict = await hasher().verify({ ...options, password, hash })
  return verdict.ok
}

/**
 * Returns true if a stored hash is weaker than what `hash` makes: {@link Hasher.needsRehash} with the default
 * options.
 */
export function needsRehash(hash: string | null | undefined): boolean
export function needsRehash(hash: string | null | undefined, ...[options]: unknown[]): boolean {
  rejectOptions(options)
  return hasher().needsRehash(hash)
}
