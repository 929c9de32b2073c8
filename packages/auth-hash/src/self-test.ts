import { digest } from './bcrypt.ts'
import { checkKnownAnswers } from './known-answers.ts'

/**
 * Computes known answers with bcrypt, and with Argon2id if Node.js has it. Run it when the service starts, so that a
 * native build that cannot be loaded or computes something else is found before the first login.
 *
 * @throws {AuthHashError} `AUTH_HASH_BCRYPT_UNAVAILABLE`, `AUTH_HASH_SELF_TEST_FAILED`
 */
export function selfTest(): Promise<void> {
  return checkKnownAnswers(digest)
}
