/** The shape of the key that each algorithm needs (RFC 7518 §6, RFC 8037 §2, RFC 9864 §2). */
const KEY_SHAPES = {
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
} as const

/**
 * An algorithm that a provider may sign with. All of them are asymmetric: a published key set cannot hold a secret, so the
 * HMAC algorithms are not on the list.
 *
 * @useDeclaredType
 */
export type RemoteAlgorithm = keyof typeof KEY_SHAPES

/** Every algorithm that the option `algorithms` accepts. */
export const REMOTE_ALGORITHMS = Object.freeze(Object.keys(KEY_SHAPES) as RemoteAlgorithm[])

/** Returns the algorithms of the list that a JWK may be used with: its own `alg`, or all that its type and curve fit. */
export function algorithmsForKey(
  jwk: Readonly<Record<string, unknown>>,
  allowed: readonly RemoteAlgorithm[],
): ReadonlySet<string> {
  return new Set(allowed.filter((alg) => hasShape(jwk, KEY_SHAPES[alg]) && isOwnAlgorithm(jwk.alg, alg)))
}

function hasShape(jwk: Readonly<Record<string, unknown>>, shape: { kty: string; crv?: string }): boolean {
  return jwk.kty === shape.kty && (shape.crv === undefined || jwk.crv === shape.crv)
}

// RFC 9864 §2.2: `Ed25519` is the new name of what `EdDSA` is on this curve.
function isOwnAlgorithm(own: unknown, alg: string): boolean {
  const sameName = (name: unknown) => (name === 'Ed25519' ? 'EdDSA' : name)
  return own === undefined || sameName(own) === sameName(alg)
}
