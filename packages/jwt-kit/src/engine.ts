import { createSigner, createVerifier, TokenError } from 'fast-jwt'
import type { Algorithm } from './algorithms.ts'
import { JwtKitError } from './errors.ts'
import type { RingKey } from './keyring.ts'
import type { JsonObject } from './strict-json.ts'

/** What is the same in each token of one kind. */
export interface Fixed {
  readonly typ: string
  readonly iss: string
  readonly aud?: string
}

/** fast-jwt's signer for one key and one kind of token. Its times are ours to write. */
export function createEngineSigner(
  alg: Algorithm,
  key: RingKey,
  fixed: Fixed,
): (payload: JsonObject) => string {
  return createSigner<JsonObject>({ key: material(key, 'signs'), algorithm: alg, kid: key.kid, ...fixed })
}

/**
 * fast-jwt's verifier for one key, whose cache is off (it hands two requests one object, and knows a token after its key is
 * gone) and whose times are ours to check.
 */
export function createEngineVerifier(alg: Algorithm, key: RingKey): (token: string) => JsonObject {
  const verify = createVerifier({
    key: material(key, 'verifies'),
    algorithms: [alg],
    cache: false,
    ignoreExpiration: true,
    ignoreNotBefore: true,
  })
  return (token) => {
    try {
      return verify(token)
    } catch (problem) {
      throw refusal(problem)
    }
  }
}

/** A key in a form that fast-jwt takes, which is no KeyObject. */
export function material(key: RingKey, half: 'signs' | 'verifies'): string | Buffer {
  const object = key[half] as NonNullable<RingKey['signs']>
  if (object.type === 'secret') return object.export()
  return object.export({ type: object.type === 'public' ? 'spki' : 'pkcs8', format: 'pem' }) as string
}

const MALFORMED: ReadonlySet<unknown> = new Set([TokenError.codes.malformed, TokenError.codes.invalidPayload])

function refusal(problem: unknown): JwtKitError {
  if (MALFORMED.has((problem as { code?: unknown }).code)) {
    return new JwtKitError('JWT_KIT_MALFORMED', 'The payload is not a JSON object', {
      part: 'payload',
      hint: 'Send the token whole, as it was issued.',
    })
  }
  return new JwtKitError('JWT_KIT_SIGNATURE', 'The signature does not belong to the header and the payload', {
    part: 'signature',
    hint: 'The token was changed on its way, or signed with another key: check the issuer, and the key of this key id.',
  })
}
