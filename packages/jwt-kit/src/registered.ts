import type { JsonObject } from './encoding.ts'
import { JwtKitError, type TokenErrorCode } from './errors.ts'
import { LONGEST_LIFE, readSeconds } from './option-checks.ts'
import type { KitContext } from './options.ts'

const LONGEST = readSeconds('LONGEST_LIFE', LONGEST_LIFE, { min: '1s', max: LONGEST_LIFE })

/** The last second of a year with four digits: 9999-12-31T23:59:59Z. */
const LAST_SECOND = 253_402_300_799

/**
 * Checks the registered claims (RFC 7519 §4.1). Each one that the kit writes must be present, of its type, and hold now.
 *
 * @throws {JwtKitError} `JWT_KIT_CLAIMS`, `_WRONG_ISSUER`, `_WRONG_AUDIENCE`, `_EXPIRED` or `_NOT_YET_VALID`.
 */
export function checkRegistered(payload: JsonObject, context: KitContext, now: number): void {
  const { iss, iat, exp, nbf, jti } = payload
  if (typeof iss !== 'string') throw missing('iss', 'text')
  if (iss !== context.issuer) {
    throw fault(
      'JWT_KIT_WRONG_ISSUER',
      'iss',
      'The token was issued by another issuer',
      'Send it to its own service.',
    )
  }
  checkAudience(payload, context.audience)
  if (!isTime(iat)) throw missing('iat', 'a time')
  if (!isTime(exp)) throw missing('exp', 'a time')
  if (Object.hasOwn(payload, 'nbf') && !isTime(nbf)) throw missing('nbf', 'a time')
  if (typeof jti !== 'string' || jti === '') throw missing('jti', 'text')
  if (exp <= iat || exp - iat > LONGEST) {
    throw fault(
      'JWT_KIT_CLAIMS',
      'exp',
      `The lifetime of the token is not between 1s and ${LONGEST_LIFE}`,
      'Issue it with a shorter one.',
    )
  }
  // Written as `!(now < …)` so that a NaN clock rejects.
  if (!(now < exp + context.expiryTolerance)) {
    throw fault('JWT_KIT_EXPIRED', 'exp', 'The token has expired', 'Log in again, or refresh it.')
  }
  const latest = now + context.clockTolerance
  if (!(iat <= latest)) throw early('iat', 'The token was issued in the future')
  if (isTime(nbf) && !(nbf <= latest)) throw early('nbf', 'The token is not valid yet')
}

// RFC 7519 §4.1.3: a token with an audience is only for that audience, so a service without a name refuses it.
function checkAudience(payload: JsonObject, audience: string | undefined): void {
  if (audience === undefined && !Object.hasOwn(payload, 'aud')) return
  const { aud } = payload
  const listed: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!listed.every((name) => typeof name === 'string')) throw missing('aud', 'text')
  if (audience !== undefined && listed.includes(audience)) return
  throw fault(
    'JWT_KIT_WRONG_AUDIENCE',
    'aud',
    'The token is meant for another audience',
    'Send it to its own service.',
  )
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= LAST_SECOND
}

function missing(claim: string, type: string): JwtKitError {
  return fault(
    'JWT_KIT_CLAIMS',
    claim,
    `Expected ${claim} to be present and to be ${type}`,
    'Sign it with a kit, which writes it.',
  )
}

function early(claim: string, message: string): JwtKitError {
  return fault('JWT_KIT_NOT_YET_VALID', claim, message, 'Wait, or correct the clocks of both machines.')
}

function fault(code: TokenErrorCode, claim: string, message: string, hint: string): JwtKitError {
  return new JwtKitError(code, message, { part: 'payload', claim, hint })
}
