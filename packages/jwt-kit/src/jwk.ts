import {
  createHash,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type JsonWebKeyInput,
  type KeyObject,
} from 'node:crypto'
import { ALGORITHM_SPECS, type Algorithm } from './algorithms.ts'
import { isBase64url, isObject, type JsonObject } from './encoding.ts'
import { JwtKitError } from './errors.ts'

/** A JSON Web Key (RFC 7517 §4), with the members that this package reads or that key sets often have. */
export interface Jwk {
  /** The family of the key: `oct`, `EC`, `OKP` or `RSA`. */
  readonly kty?: string | undefined
  /** The key id. */
  readonly kid?: string | undefined
  /** The algorithm that the key is for. */
  readonly alg?: string | undefined
  /** The use of the key: only `sig` fits here. */
  readonly use?: string | undefined
  /** The operations that the key is for: only `sign` and `verify` fit here. */
  readonly key_ops?: readonly string[] | undefined
  /** The curve. */
  readonly crv?: string | undefined
  /** A public member of `EC` and `OKP`. */
  readonly x?: string | undefined
  /** A public member of `EC`. */
  readonly y?: string | undefined
  /** A public member of `RSA`. */
  readonly n?: string | undefined
  /** A public member of `RSA`. */
  readonly e?: string | undefined
  /** The private member. */
  readonly d?: string | undefined
  /** A private member of `RSA`. */
  readonly p?: string | undefined
  /** A private member of `RSA`. */
  readonly q?: string | undefined
  /** A private member of `RSA`. */
  readonly dp?: string | undefined
  /** A private member of `RSA`. */
  readonly dq?: string | undefined
  /** A private member of `RSA`. */
  readonly qi?: string | undefined
  /** The secret of `oct`. */
  readonly k?: string | undefined
  /** The further primes of `RSA`. A key that has them is refused. */
  readonly oth?: readonly object[] | undefined
  /** Certificates. They are ignored. */
  readonly x5c?: readonly string[] | undefined
  /** The address of certificates. It is ignored. */
  readonly x5u?: string | undefined
  /** The thumbprint of a certificate. It is ignored. */
  readonly x5t?: string | undefined
  /** The thumbprint of a certificate. It is ignored. */
  readonly 'x5t#S256'?: string | undefined
}

/** A set of JSON Web Keys (RFC 7517 §5). */
export interface Jwks {
  /** The keys. */
  readonly keys: readonly Jwk[]
}

/** The reason why a key cannot be used, and how to fix it. */
export class UnsuitableKey extends Error {
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

/** The members of each family that contain the key (RFC 7518 §6, RFC 8037 §2). */
const MEMBERS = {
  oct: { public: [], private: ['k'] },
  EC: { public: ['x', 'y'], private: ['d'] },
  OKP: { public: ['x'], private: ['d'] },
  RSA: { public: ['n', 'e'], private: ['d', 'p', 'q', 'dp', 'dq', 'qi'] },
} as const

/**
 * Reads a JWK (RFC 7517 §4) strictly. `use`, `key_ops` and `alg` say what a key is for, and node:crypto ignores them.
 *
 * @throws {UnsuitableKey}
 *
 * @internal
 */
export function readJwk(algorithm: Algorithm, jwk: JsonObject): KeyObject {
  const { kty, names } = ALGORITHM_SPECS[algorithm]
  if (jwk.kty !== kty)
    throw new UnsuitableKey(`is a JWK of another \`kty\` than ${kty}, which ${algorithm} needs`)
  if (jwk.alg !== undefined && !names.includes(jwk.alg as string))
    throw new UnsuitableKey(`is a JWK whose \`alg\` is not ${algorithm}`)
  if (jwk.use !== undefined && jwk.use !== 'sig')
    throw new UnsuitableKey('is a JWK whose `use` is not "sig"', 'Use a key that is meant for signatures.')
  if (jwk.oth !== undefined) throw new UnsuitableKey('is an RSA key of more than two primes')
  checkOperations(jwk.key_ops, jwk.d === undefined ? 'verify' : 'sign')
  const members = MEMBERS[kty]
  const used = kty === 'oct' || jwk.d !== undefined ? [...members.public, ...members.private] : members.public
  checkSpelling(jwk, used)
  const key = importJwk(jwk, kty)
  const canonical = key.export({ format: 'jwk' }) as JsonObject
  // RFC 7518 §6: each number has one length, with all its leading zeros or with none.
  const other = used.find((name) => jwk[name] !== canonical[name])
  if (other === undefined) return key
  throw new UnsuitableKey(`is a JWK whose \`${other}\` does not match the rest, or has another length`)
}

/** Returns true if a key says that it must not sign. */
export function forbidsSigning(input: unknown): boolean {
  const operations = (input as { key_ops?: unknown }).key_ops
  return Array.isArray(operations) && !operations.includes('sign')
}

/** Returns true if a key of a set is one for verifying with this algorithm. RFC 7517 §5: a reader ignores the others. */
export function isForVerifying(algorithm: Algorithm, jwk: Jwk): boolean {
  const { kty, names } = ALGORITHM_SPECS[algorithm]
  return (
    jwk.kty === kty &&
    (jwk.use ?? 'sig') === 'sig' &&
    (jwk.alg === undefined || names.includes(jwk.alg)) &&
    (jwk.key_ops === undefined || jwk.key_ops.includes('verify') || jwk.key_ops.includes('sign'))
  )
}

/**
 * Returns the thumbprint of a public or private JWK (RFC 7638, SHA-256): a key id that everyone computes alike.
 *
 * @throws {JwtKitError} `JWT_KIT_KEY` if it is not a JWK of the family `EC`, `OKP` or `RSA`.
 *
 * @example
 * ```js
 * import { thumbprint } from '@auth-primer/jwt-kit'
 *
 * // The public key of RFC 8037, appendix A.3
 * const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
 * console.log(thumbprint(key)) // kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k
 * ```
 */
export function thumbprint(jwk: Jwk): string {
  const members = isObject(jwk) ? THUMBPRINT_MEMBERS[String(jwk.kty)] : undefined
  const entries = members?.map((name) => [name, (jwk as JsonObject)[name]] as const)
  if (entries?.every(([, value]) => typeof value === 'string')) {
    return createHash('sha256')
      .update(JSON.stringify(Object.fromEntries(entries)))
      .digest('base64url')
  }
  throw new JwtKitError('JWT_KIT_KEY', 'Expected a JWK of the family EC, OKP or RSA', {
    hint: 'Export one with `publicKey.export({ format: "jwk" })`. A secret has no thumbprint that could be shown.',
  })
}

/** The members in the order of RFC 7638 §3.3. The prototype is null, since the name comes from the key. */
const THUMBPRINT_MEMBERS: Readonly<Record<string, readonly string[] | undefined>> = Object.assign(
  Object.create(null),
  { EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'], RSA: ['e', 'kty', 'n'] },
)

function importJwk(jwk: JsonObject, kty: string): KeyObject {
  if (kty === 'oct') return createSecretKey(Buffer.from(jwk.k as string, 'base64url'))
  const input: JsonWebKeyInput = { key: jwk, format: 'jwk' }
  try {
    return jwk.d === undefined ? createPublicKey(input) : createPrivateKey(input)
  } catch {
    // The error of node:crypto may quote the key.
    throw new UnsuitableKey('is a JWK that node:crypto cannot import', 'Check that it was copied completely.')
  }
}

function checkOperations(operations: unknown, needed: 'sign' | 'verify'): void {
  if (operations === undefined) return
  const fit =
    Array.isArray(operations) &&
    operations.includes(needed) &&
    new Set(operations).size === operations.length &&
    operations.every((name) => name === 'sign' || name === 'verify')
  if (!fit) throw new UnsuitableKey(`is a JWK whose \`key_ops\` are not for signatures, or lack ${needed}`)
}

function checkSpelling(jwk: JsonObject, names: readonly string[]): void {
  for (const name of names) {
    const value = jwk[name]
    if (typeof value === 'string' && value !== '' && isBase64url(value)) continue
    throw new UnsuitableKey(`is a JWK whose \`${name}\` is not base64url`)
  }
}
