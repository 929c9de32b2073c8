import { digest } from './bcrypt.ts'
import { checkKnownAnswers } from './known-answers.ts'

/**
 * Has bcrypt compute known answers. Run it when the service starts: a native build that does not load, or computes
 * something else, is then found before the first user is.
 *
 * @throws {AuthHashError} `AUTH_HASH_SELF_TEST_FAILED`
 */
export function selfTest(): Promise<void> {
  return checkKnownAnswers(digest)
}
