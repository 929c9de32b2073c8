import { JwtKitError } from '@auth-primer/jwt-kit'
import { compactVerify } from 'jose'
import type { VerificationKey } from './key-set.ts'
import type { KeySource } from './key-source.ts'
import type { RemoteRules } from './options.ts'
import { checkRegistered } from './registered.ts'
import { type JsonObject, readToken, type UnverifiedToken } from './token.ts'

/** A verified token. */
export interface VerifiedToken {
  readonly alg: string
  readonly payload: JsonObject
}

/**
 * Verifies a token. Everything that the token alone can tell is checked before the keys are asked for, so a token that is
 * rejected anyway never makes a request to the provider.
 *
 * @throws {JwtKitError} whose `code` is a `TokenErrorCode`
 * @throws {JwtRemoteError} if the keys are not available
 */
export async function verifyToken(
  token: unknown,
  rules: RemoteRules,
  keys: KeySource,
): Promise<VerifiedToken> {
  const unverified = readToken(token, rules)
  checkRegistered(unverified.payload, rules, rules.now() / 1000)
  const candidates = await findKeys(unverified, keys)
  const signer = await findSigner(token as string, unverified.alg, candidates)
  if (signer === undefined) {
    throw new JwtKitError(
      'JWT_KIT_SIGNATURE',
      'The signature does not belong to the header and the payload',
      {
        part: 'signature',
        hint: 'Send the token whole, as the provider issued it.',
      },
    )
  }
  keys.prove(signer)
  return unverified
}

async function findKeys(token: UnverifiedToken, source: KeySource): Promise<readonly VerificationKey[]> {
  const found = namedKeys(await source.current(), token)
  const named = found.length > 0 ? found : namedKeys((await source.newer()) ?? [], token)
  if (named.length === 0) throw source.doubt() ?? unknownKey(token.kid)
  const fitting = named.filter((key) => key.algorithms.has(token.alg))
  if (fitting.length === 0) {
    throw new JwtKitError('JWT_KIT_ALGORITHM', 'The key is for another algorithm than the header names', {
      part: 'header',
      hint: 'Only the provider can fix it: the key set and the token do not fit.',
    })
  }
  // Without a kid, a token is not tried on one key after the other.
  if (token.kid === undefined && fitting.length > 1) throw unknownKey(undefined)
  return fitting
}

function namedKeys(keys: readonly VerificationKey[], { kid }: UnverifiedToken): readonly VerificationKey[] {
  return kid === undefined ? keys : keys.filter((key) => key.kid === kid)
}

async function findSigner(
  token: string,
  alg: string,
  keys: readonly VerificationKey[],
): Promise<VerificationKey | undefined> {
  for (const key of keys) {
    const verified = await compactVerify(token, key.key, { algorithms: [alg] }).catch(() => undefined)
    if (verified !== undefined) return key
  }
  return undefined
}

function unknownKey(kid: string | undefined): JwtKitError {
  const message =
    kid === undefined
      ? 'The header names no key, and the provider has several'
      : 'The header names a key that the provider does not publish'
  return new JwtKitError('JWT_KIT_UNKNOWN_KEY', message, {
    part: 'header',
    hint: 'Log in again: the provider signs new tokens with its current key.',
  })
}
