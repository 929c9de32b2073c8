import { createHasher } from './create-hasher.ts'
import type { Hasher, HashText } from './hasher.ts'

let shared: Hasher | undefined

/** One hasher with the defaults, made when it is first needed. */
function hasher(): Hasher {
  shared ??= createHasher()
  return shared
}

/**
 * Hashes a password with the defaults.
 *
 * Hashing is not encryption: there is no key, and no way back for anybody. Each hash has a salt of its own, so that
 * two equal passwords have different hashes.
 *
 * @throws {AuthHashError} as {@link Hasher.hash} does
 */
export function hash(password: string): Promise<HashText> {
  return hasher().hash(password)
}

/**
 * Whether a password is the one that a stored hash was made from, with the defaults.
 *
 * The password is hashed once more, with the salt and the cost that stand in the stored hash, and the two digests are
 * equal or they are not. A hash in the password's place does not compile, where its type shows it to be one.
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
