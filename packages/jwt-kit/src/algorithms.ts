import type { AsymmetricKeyDetails, KeyObject } from 'node:crypto'
import { isRoca } from './roca.ts'

/** The algorithms that a keyring may have (RFC 7518 §3.1, RFC 8037 §3.1; EdDSA is Ed25519). */
export const ALGORITHMS = ['HS256', 'ES256', 'EdDSA', 'RS256', 'PS256'] as const
/** One of {@link ALGORITHMS}. */
export type Algorithm = (typeof ALGORITHMS)[number]

/** What an algorithm asks of its key. */
export interface KeyType {
  /** The `kty` of its JWK. */
  readonly kty: 'oct' | 'EC' | 'OKP' | 'RSA'
  readonly name: string
  readonly fits: (key: KeyObject) => boolean
}

const RSA: KeyType = { kty: 'RSA', name: 'a sound RSA key of at least 2048 bits', fits: isStrongRsa }

/** What each algorithm asks of its key. */
export const KEY_TYPES: Readonly<Record<Algorithm, KeyType>> = {
  HS256: { kty: 'oct', name: 'a secret', fits: (key) => key.type === 'secret' },
  ES256: { kty: 'EC', name: 'an EC key on P-256', fits: isP256 },
  EdDSA: { kty: 'OKP', name: 'an Ed25519 key', fits: (key) => key.asymmetricKeyType === 'ed25519' },
  RS256: RSA,
  PS256: RSA,
}

function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ec' && detailsOf(key).namedCurve === 'prime256v1'
}

function isStrongRsa(key: KeyObject): boolean {
  if (key.asymmetricKeyType !== 'rsa') return false
  const { modulusLength, publicExponent } = detailsOf(key) as Required<AsymmetricKeyDetails>
  return modulusLength >= 2048 && publicExponent >= 65_537n && !isRoca(modulusOf(key))
}

function modulusOf(key: KeyObject): bigint {
  const { n } = key.export({ format: 'jwk' }) as { n: string }
  return BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`)
}

// Every asymmetric key has details.
function detailsOf(key: KeyObject): AsymmetricKeyDetails {
  return key.asymmetricKeyDetails as AsymmetricKeyDetails
}
