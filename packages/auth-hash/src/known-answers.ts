import type { digest } from './bcrypt.ts'
import { AuthHashError } from './errors.ts'

/** Each made by one implementation of bcrypt and checked with another; at cost 5, all with one salt. */
const SALT = 'CCCCCCCCCCCCCCCCCCCCC.'
const ANSWERS = [
  ['U*U', 'E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['', '7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy'],
  ['café', 'nOuSbjL5F2OF3gGGCewLeZYk8mdGqQ6'],
  ['a'.repeat(72), 'ODcEJfYFxKziEakDsjep8mcF3zSCvHq'],
] as const

/**
 * @throws {AuthHashError} `AUTH_HASH_SELF_TEST_FAILED`
 */
export async function checkKnownAnswers(compute: typeof digest): Promise<void> {
  for (const [password, answer] of ANSWERS) {
    if ((await compute(Buffer.from(password), SALT, 5)) === answer) continue
    throw new AuthHashError(
      'AUTH_HASH_SELF_TEST_FAILED',
      `Expected bcrypt to give the known answer for a password of ${Buffer.byteLength(password)} bytes, got another`,
    )
  }
}
