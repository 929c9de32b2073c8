import { createHasher } from './create-hasher.ts'
import type { Hasher, HashText } from './hasher.ts'

let shared: Hasher | undefined

/** Returns the hasher with the default options, created when it is first needed. */
function hasher(): Hasher {
  shared ??= createHasher()
  return shared
}

/**
 * Hashes a password with the default options.
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
export function hash(password: string): Promise<HashText> {
  return hasher().hash(password)
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
): Promise<boolean> {
  const verdict = await hasher().verify({ password, hash })
  return verdict.ok
}

/**
 * Returns true if a stored hash is weaker than what `hash` makes: {@link Hasher.needsRehash} with the default
 * options.
 */
export function needsRehash(hash: string | null | undefined): boolean {
  return hasher().needsRehash(hash)
}
