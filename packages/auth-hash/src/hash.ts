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
 * @throws {AuthHashError} as {@link Hasher.hash} does
 */
export function hash(password: string): Promise<HashText> {
  return hasher().hash(password)
}

/**
 * Whether a password is the one that a stored hash was made from, judged with the defaults.
 *
 * A hash in the password's place does not compile, where its type shows it to be one.
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
