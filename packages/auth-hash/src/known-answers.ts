import { argon2id, hasArgon2, toPhcBase64 } from './argon2.ts'
import type { digest } from './bcrypt.ts'
import { AuthHashError } from './errors.ts'

/** Each made by one implementation of bcrypt and checked with another; all at cost 5 and with the same salt. */
const SALT = 'CCCCCCCCCCCCCCCCCCCCC.'
const ANSWERS = [
  ['U*U', 'E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['', '7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy'],
  ['café', 'nOuSbjL5F2OF3gGGCewLeZYk8mdGqQ6'],
  ['a'.repeat(72), 'ODcEJfYFxKziEakDsjep8mcF3zSCvHq'],
] as const

/** A known answer from the tests of Argon2's reference implementation. */
const ARGON2_ANSWER = 'nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4'

/**
 * @throws {AuthHashError} `AUTH_HASH_SELF_TEST_FAILED`
 */
export async function checkKnownAnswers(compute: typeof digest): Promise<void> {
  for (const [password, answer] of ANSWERS) {
    const computed = await compute(Buffer.from(password), SALT, 5)
    if (computed !== answer) {
      throw selfTestFailed('bcrypt', ` for a password of ${Buffer.byteLength(password)} bytes`)
    }
  }
  if (!hasArgon2) return
  const tag = await argon2id({
    message: 'password',
    nonce: Buffer.from('somesalt'),
    memory: 256,
    passes: 2,
    parallelism: 1,
    tagLength: 32,
  })
  if (toPhcBase64(tag) !== ARGON2_ANSWER) throw selfTestFailed('Argon2id')
}

function selfTestFailed(what: string, input = ''): AuthHashError {
  return new AuthHashError(
    'AUTH_HASH_SELF_TEST_FAILED',
    `Expected ${what} to give the known answer${input}, got a different one`,
  )
}
