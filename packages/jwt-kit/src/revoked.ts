import { JwtKitError } from './errors.ts'
import type { JsonObject } from './strict-json.ts'

/** A service's answer to whether a token was revoked. */
export type Revoked = (claims: JsonObject, kind: string) => unknown

/**
 * Asks whether a token was revoked.
 *
 * @throws {JwtKitError} `JWT_KIT_REVOKED`; `JWT_KIT_REVOCATION_UNAVAILABLE` where there is no answer, since a token that may
 *   have been revoked is not accepted.
 */
export async function checkRevoked(revoked: Revoked, claims: JsonObject, kind: string): Promise<void> {
  const answer = await ask(revoked, claims, kind)
  if (answer.said === false) return
  if (answer.said === true) {
    throw new JwtKitError('JWT_KIT_REVOKED', 'The token was revoked', {
      part: 'token',
      hint: 'Log in again.',
    })
  }
  throw new JwtKitError('JWT_KIT_REVOCATION_UNAVAILABLE', 'Whether the token was revoked cannot be told', {
    hint: 'Try again; and see why the `revoked` hook threw, or answered neither true nor false.',
    cause: answer.problem,
  })
}

async function ask(
  revoked: Revoked,
  claims: JsonObject,
  kind: string,
): Promise<{ said?: unknown; problem?: unknown }> {
  try {
    return { said: await revoked(claims, kind) }
  } catch (problem) {
    return { problem }
  }
}
