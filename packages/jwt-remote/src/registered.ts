import { JwtKitError, type TokenErrorCode } from '@auth-primer/jwt-kit'
import type { RemoteRules } from './options.ts'
import type { JsonObject } from './token.ts'

/** The last second whose year has four digits: 9999-12-31T23:59:59Z. */
const LAST_SECOND = 253_402_300_799

/**
 * Checks the claims that say who issued the token, for whom, and until when (RFC 7519 §4.1, OpenID Connect Core §2).
 *
 * @param now - seconds since the epoch
 * @throws {JwtKitError} `JWT_KIT_CLAIMS`, `_WRONG_ISSUER`, `_WRONG_AUDIENCE`, `_EXPIRED` or `_NOT_YET_VALID`.
 */
export function checkRegistered(payload: JsonObject, rules: RemoteRules, now: number): void {
  const { iss, exp, iat, nbf, jti } = payload
  if (typeof iss !== 'string') throw wrongType('iss', 'text')
  if (!rules.issuers.includes(iss)) {
    throw fault('JWT_KIT_WRONG_ISSUER', 'iss', 'The token was issued by another issuer', SENT_ELSEWHERE)
  }
  checkAudience(payload, rules.audiences)
  checkAuthorizedParty(payload, rules.authorizedParties)
  if (!isTime(exp)) throw wrongType('exp', 'a time')
  if (iat !== undefined && !isTime(iat)) throw wrongType('iat', 'a time')
  if (nbf !== undefined && !isTime(nbf)) throw wrongType('nbf', 'a time')
  if (jti !== undefined && typeof jti !== 'string') throw wrongType('jti', 'text')
  // Written so that a clock that returns NaN accepts nothing.
  if (!(now < exp + rules.clockTolerance)) {
    throw fault('JWT_KIT_EXPIRED', 'exp', 'The token has expired', 'Log in again, or refresh it.')
  }
  const latest = now + rules.clockTolerance
  if (iat !== undefined && !(iat <= latest)) throw early('iat', 'The token was issued in the future')
  if (nbf !== undefined && !(nbf <= latest)) throw early('nbf', 'The token is not valid yet')
}

function checkAudience(payload: JsonObject, audiences: readonly string[] | undefined): void {
  if (audiences === undefined && !Object.hasOwn(payload, 'aud')) return
  const { aud } = payload
  const listed: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!listed.every((name) => typeof name === 'string')) throw wrongType('aud', 'text, or a list of texts')
  if (audiences?.some((audience) => listed.includes(audience))) return
  throw fault(
    'JWT_KIT_WRONG_AUDIENCE',
    'aud',
    'The token is meant for another audience',
    audiences === undefined
      ? 'The option `audience` is false, so a token with an `aud` is rejected. Name the audience.'
      : SENT_ELSEWHERE,
  )
}

function checkAuthorizedParty(payload: JsonObject, parties: readonly string[] | undefined): void {
  if (parties === undefined) return
  if (typeof payload.azp !== 'string') throw wrongType('azp', 'text')
  if (parties.includes(payload.azp)) return
  throw fault(
    'JWT_KIT_CLAIMS',
    'azp',
    'The token was issued to a client that is not accepted here',
    'Add the client to the option `authorizedParty`, or send the token to its own service.',
  )
}

const SENT_ELSEWHERE = 'Send it to its own service.'

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LAST_SECOND
}

function wrongType(claim: string, type: string): JwtKitError {
  return fault(
    'JWT_KIT_CLAIMS',
    claim,
    `Expected the claim ${claim} to be ${type}`,
    'Check what the provider puts into its tokens: `explain` shows it.',
  )
}

function early(claim: string, message: string): JwtKitError {
  return fault(
    'JWT_KIT_NOT_YET_VALID',
    claim,
    message,
    'Wait, correct the clocks, or raise `clockTolerance`.',
  )
}

function fault(code: TokenErrorCode, claim: string, message: string, hint: string): JwtKitError {
  return new JwtKitError(code, message, { part: 'payload', claim, hint })
}
