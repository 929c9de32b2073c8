import {
  constants,
  createHmac,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import { isRoca } from './weak-key.ts'

/** The algorithms that a keyring can have (RFC 7518 §3.1, RFC 9864 §2.2; `EdDSA` is the older name of `Ed25519`). */
export const ALGORITHMS = [
  'HS256',
  'HS384',
  'HS512',
  'ES256',
  'ES384',
  'ES512',
  'Ed25519',
  'EdDSA',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
] as const
/** One of {@link ALGORITHMS}. */
export type Algorithm = (typeof ALGORITHMS)[number]

/** The way in which an algorithm signs and verifies, and the keys that it needs. @internal */
export interface AlgorithmSpec {
  /** The `kty` of its JWK. */
  readonly kty: 'oct' | 'EC' | 'OKP' | 'RSA'
  /** The key that it needs, in words. */
  readonly needs: string
  /** The names under which tokens and JWKs may have it. */
  readonly names: readonly string[]
  /** The fewest bytes that its secret may have (RFC 7518 §3.2). */
  readonly minSecretBytes?: number
  readonly fits: (key: KeyObject) => boolean
  readonly generate: () => KeyObject
  /** Creates a function that signs text and returns the signature as base64url. */
  readonly createSigner: (key: KeyObject) => (input: string) => string
  /** Creates a function that checks a signature in base64url. It refuses a signature of any other length. */
  readonly createVerifier: (key: KeyObject) => (input: string, signature: string) => boolean
}

type Bits = 256 | 384 | 512
type SignatureOptions = { dsaEncoding?: 'ieee-p1363'; padding?: number; saltLength?: number }

function hmac(bits: Bits): AlgorithmSpec {
  const [hash, bytes] = [`sha${bits}`, bits / 8]
  return {
    kty: 'oct',
    needs: 'a secret',
    names: [`HS${bits}`],
    minSecretBytes: bytes,
    fits: (key) => key.type === 'secret',
    generate: () => createSecretKey(randomBytes(bytes)),
    createSigner: (key) => (input) => createHmac(hash, key).update(input).digest('base64url'),
    createVerifier: (key) => (input, signature) => {
      const given = Buffer.from(signature, 'base64url')
      return given.length === bytes && timingSafeEqual(createHmac(hash, key).update(input).digest(), given)
    },
  }
}

function signatures(
  digest: string | null,
  options: SignatureOptions,
  countBytes: (key: KeyObject) => number,
): Pick<AlgorithmSpec, 'createSigner' | 'createVerifier'> {
  return {
    createSigner: (key) => {
      const signing = { key, ...options }
      return (input) => sign(digest, Buffer.from(input), signing).toString('base64url')
    },
    createVerifier: (key) => {
      const [verifying, bytes] = [{ key, ...options }, countBytes(key)]
      return (input, signature) => {
        const given = Buffer.from(signature, 'base64url')
        return given.length === bytes && verify(digest, Buffer.from(input), verifying, given)
      }
    },
  }
}

/** ECDSA: each curve has one hash (RFC 7518 §3.4). */
function ecdsa(bits: Bits, curve: 'P-256' | 'P-384' | 'P-521', opensslCurve: string): AlgorithmSpec {
  const signatureBytes = 2 * Math.ceil(Number(curve.slice(2)) / 8)
  return {
    kty: 'EC',
    needs: `an EC key on ${curve}`,
    names: [`ES${bits}`],
    fits: (key) => key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === opensslCurve,
    generate: () => generateKeyPairSync('ec', { namedCurve: curve }).privateKey,
    ...signatures(`sha${bits}`, { dsaEncoding: 'ieee-p1363' }, () => signatureBytes),
  }
}

function rsa(name: 'RS' | 'PS', bits: Bits): AlgorithmSpec {
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: bits / 8 }
  return {
    kty: 'RSA',
    needs: 'a sound RSA key of at least 2048 bits',
    names: [`${name}${bits}`],
    fits: isStrongRsa,
    generate: () => generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey,
    ...signatures(`sha${bits}`, name === 'PS' ? pss : {}, (key) => Math.ceil(countModulusBits(key) / 8)),
  }
}

const ED25519: AlgorithmSpec = {
  kty: 'OKP',
  needs: 'an Ed25519 key',
  // Both names say the same of an Ed25519 key, so a service can change from one to the other.
  names: ['Ed25519', 'EdDSA'],
  fits: (key) => key.asymmetricKeyType === 'ed25519',
  generate: () => generateKeyPairSync('ed25519').privateKey,
  ...signatures(null, {}, () => 64),
}

/** All algorithms, by name. @internal */
export const ALGORITHM_SPECS: Readonly<Record<Algorithm, AlgorithmSpec>> = {
  HS256: hmac(256),
  HS384: hmac(384),
  HS512: hmac(512),
  ES256: ecdsa(256, 'P-256', 'prime256v1'),
  ES384: ecdsa(384, 'P-384', 'secp384r1'),
  ES512: ecdsa(512, 'P-521', 'secp521r1'),
  Ed25519: ED25519,
  EdDSA: ED25519,
  RS256: rsa('RS', 256),
  RS384: rsa('RS', 384),
  RS512: rsa('RS', 512),
  PS256: rsa('PS', 256),
  PS384: rsa('PS', 384),
  PS512: rsa('PS', 512),
}

function isStrongRsa(key: KeyObject): boolean {
  if (key.asymmetricKeyType !== 'rsa' || countModulusBits(key) < 2048) return false
  const exponent = key.asymmetricKeyDetails?.publicExponent ?? 0n
  return exponent >= 65_537n && !isRoca(readModulus(key))
}

function countModulusBits(key: KeyObject): number {
  return key.asymmetricKeyDetails?.modulusLength ?? 0
}

function readModulus(key: KeyObject): bigint {
  // The JWK of every RSA key has its modulus.
  const { n } = key.export({ format: 'jwk' }) as { n: string }
  return BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`)
}
