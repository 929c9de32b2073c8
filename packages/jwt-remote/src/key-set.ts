import { createPublicKey, type KeyObject } from 'node:crypto'
import { algorithmsForKey, type RemoteAlgorithm } from './algorithms.ts'
import { isObject } from './token.ts'

/** A JSON Web Key Set (RFC 7517 §5), as a provider publishes it. */
export interface JwkSet {
  /** The keys. Those that cannot verify a signature are passed over. */
  readonly keys: readonly object[]
}

/** A public key that can verify. @internal */
export interface VerificationKey {
  readonly kid: string | undefined
  readonly algorithms: ReadonlySet<string>
  readonly key: KeyObject
}

/** Members that make up a public key (RFC 7518 §6, RFC 8037 §2); private ones are dropped if a provider publishes them. */
const PUBLIC_MEMBERS = ['kty', 'n', 'e', 'crv', 'x', 'y'] as const

/** RFC 7518 §3.3 sets the minimum. The maximum bounds the time that one verification takes. */
const RSA_BITS = { min: 2048, max: 8192 }

/**
 * Reads the keys of a set that can verify signatures with one of the algorithms. Encryption keys, secrets, and keys of an
 * unknown type or of a wrong form are passed over (RFC 7517 §5).
 *
 * @internal
 */
export function readKeySet(set: unknown, allowed: readonly RemoteAlgorithm[]): readonly VerificationKey[] {
  const keys: readonly unknown[] = isObject(set) && Array.isArray(set.keys) ? set.keys : []
  return keys.map((jwk) => readKey(jwk, allowed)).filter((key) => key !== undefined)
}

function readKey(jwk: unknown, allowed: readonly RemoteAlgorithm[]): VerificationKey | undefined {
  if (!isObject(jwk) || !isForVerifying(jwk)) return undefined
  const algorithms = algorithmsForKey(jwk, allowed)
  if (algorithms.size === 0) return undefined
  const members = PUBLIC_MEMBERS.filter((name) => typeof jwk[name] === 'string')
  try {
    const key = createPublicKey({
      key: Object.fromEntries(members.map((name) => [name, jwk[name]])),
      format: 'jwk',
    })
    const bits = key.asymmetricKeyDetails?.modulusLength
    if (bits !== undefined && !(bits >= RSA_BITS.min && bits <= RSA_BITS.max)) return undefined
    return { kid: jwk.kid as string | undefined, algorithms, key }
  } catch {
    return undefined
  }
}

function isForVerifying({ kid, use, key_ops }: Readonly<Record<string, unknown>>): boolean {
  if (kid !== undefined && typeof kid !== 'string') return false
  if (use !== undefined && use !== 'sig') return false
  return key_ops === undefined || (Array.isArray(key_ops) && key_ops.includes('verify'))
}
