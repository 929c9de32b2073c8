import {
  type AsymmetricKeyDetails,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { types } from 'node:util'
import { isBase64url } from './base64url.ts'
import { JwtKitError } from './errors.ts'
import { isObject } from './strict-json.ts'
import { weakness } from './weak-secret.ts'

/** The algorithms a keyring may have (RFC 7518 §3.1, RFC 8037 §3.1; EdDSA is Ed25519). */
export const ALGORITHMS = ['HS256', 'ES256', 'EdDSA', 'RS256', 'PS256'] as const
/** One of {@link ALGORITHMS}. */
export type Algorithm = (typeof ALGORITHMS)[number]

/**
 * A key, in any of the forms it comes in: PEM text, a JWK, a `KeyObject`, or for HS256 a secret as text (its UTF-8 bytes)
 * or as bytes.
 */
export type KeyInput = string | Uint8Array | JsonWebKey | KeyObject

/** A key that was checked: the half that verifies and, where it is known, the half that signs. For HS256 both are the secret. */
export interface KeyPair {
  readonly verifies: KeyObject
  readonly signs: KeyObject | undefined
}

/** What each algorithm asks of its key's type. */
const TYPES: Record<
  Exclude<Algorithm, 'HS256'>,
  { kty: string; name: string; fits: (key: KeyObject) => boolean }
> = {
  ES256: { kty: 'EC', name: 'an EC key on P-256', fits: isP256 },
  EdDSA: { kty: 'OKP', name: 'an Ed25519 key', fits: (key) => key.asymmetricKeyType === 'ed25519' },
  RS256: { kty: 'RSA', name: 'an RSA key of at least 2048 bits', fits: isStrongRsa },
  PS256: { kty: 'RSA', name: 'an RSA key of at least 2048 bits', fits: isStrongRsa },
}

/**
 * Reads a key and binds it to its algorithm.
 *
 * @throws {JwtKitError} `JWT_KIT_KEY` where it is weak, of another type, meant for another use, or its halves do not match.
 */
export function readKey(algorithm: Algorithm, kid: string, input: unknown, publicHalf?: unknown): KeyPair {
  const refuse = (why: string, hint: string): never => {
    throw new JwtKitError('JWT_KIT_KEY', `The key ${kid} ${why}`, { hint })
  }
  const read = (value: unknown): KeyObject => {
    try {
      return toKeyObject(algorithm, value)
    } catch (problem) {
      const why = problem instanceof Unfit ? problem.message : 'cannot be read'
      return refuse(why, hintFor(algorithm))
    }
  }
  const key = read(input)
  if (algorithm === 'HS256') {
    if (publicHalf !== undefined) refuse('has a public half', 'A secret has none: leave `publicKey` out.')
    const weak = weakness(key.export())
    if (weak !== undefined) refuse(weak, hintFor(algorithm))
    return { verifies: key, signs: key }
  }
  const type = TYPES[algorithm]
  if (!type.fits(key)) refuse(`is not ${type.name}, which ${algorithm} needs`, hintFor(algorithm))
  if (key.type === 'public') {
    if (publicHalf !== undefined) refuse('is public already', 'Give the private half as `key`.')
    return { verifies: key, signs: undefined }
  }
  const verifies = publicHalf === undefined ? createPublicKey(key) : read(publicHalf)
  if (verifies.type !== 'public' || !isPair(algorithm, key, verifies)) {
    refuse(
      'has a private and a public half that do not match',
      'Give two halves of one key, or the private one alone.',
    )
  }
  return { verifies, signs: key }
}

class Unfit extends Error {}

function toKeyObject(algorithm: Algorithm, input: unknown): KeyObject {
  if (types.isKeyObject(input)) return fromKeyObject(algorithm, input)
  if (typeof input === 'string' || input instanceof Uint8Array) {
    if (algorithm === 'HS256') return createSecretKey(Buffer.from(input as string))
    return fromPem(Buffer.from(input as string).toString())
  }
  if (isObject(input)) return fromJwk(algorithm, input)
  throw new Unfit('is neither text, bytes, a JWK nor a KeyObject')
}

function fromKeyObject(algorithm: Algorithm, key: KeyObject): KeyObject {
  if ((key.type === 'secret') === (algorithm === 'HS256')) return key
  throw new Unfit(
    algorithm === 'HS256' ? 'is no secret, which HS256 needs' : `is a secret, which ${algorithm} cannot use`,
  )
}

const PEM =
  /^-----BEGIN ((?:EC |RSA )?PRIVATE KEY|(?:RSA )?PUBLIC KEY)-----\r?\n[A-Za-z0-9+/=\r\n]+-----END \1-----$/

function fromPem(text: string): KeyObject {
  const label = PEM.exec(text.trim())?.[1]
  if (label === undefined) throw new Unfit('is not one unencrypted PEM block of a private or public key')
  return label.endsWith('PUBLIC KEY') ? createPublicKey(text) : createPrivateKey(text)
}

// RFC 7517 §4: `use`, `key_ops` and `alg` say what a key is for, and node:crypto reads none of them.
function fromJwk(algorithm: Algorithm, jwk: Record<string, unknown>): KeyObject {
  const kty = algorithm === 'HS256' ? 'oct' : TYPES[algorithm].kty
  if (jwk.kty !== kty) throw new Unfit(`is a JWK of another \`kty\` than ${kty}, which ${algorithm} needs`)
  if (jwk.alg !== undefined && jwk.alg !== algorithm)
    throw new Unfit(`is a JWK for another \`alg\` than ${algorithm}`)
  if (jwk.use !== undefined && jwk.use !== 'sig') throw new Unfit('is a JWK whose `use` is not "sig"')
  const isPrivate = jwk.d !== undefined
  const needed = isPrivate ? ['sign'] : algorithm === 'HS256' ? ['sign', 'verify'] : ['verify']
  checkOperations(jwk.key_ops, needed)
  checkMembers(jwk, MEMBERS[kty as keyof typeof MEMBERS], isPrivate)
  if (algorithm === 'HS256') return createSecretKey(Buffer.from(jwk.k as string, 'base64url'))
  if (!isPrivate) return createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
  const key = createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' })
  const half = { kty, crv: jwk.crv, x: jwk.x, y: jwk.y, n: jwk.n, e: jwk.e } as JsonWebKey
  if (!isPair(algorithm, key, createPublicKey({ key: half, format: 'jwk' }))) {
    throw new Unfit('has a private and a public half that do not match')
  }
  return key
}

const MEMBERS = {
  oct: { open: [], secret: ['k'] },
  EC: { open: ['x', 'y'], secret: ['d'] },
  OKP: { open: ['x'], secret: ['d'] },
  RSA: { open: ['n', 'e'], secret: ['d', 'p', 'q', 'dp', 'dq', 'qi'] },
} as const

function checkOperations(operations: unknown, needed: readonly string[]): void {
  if (operations === undefined) return
  const fit =
    Array.isArray(operations) &&
    new Set(operations).size === operations.length &&
    needed.every((name) => operations.includes(name)) &&
    operations.every((name) => name === 'sign' || name === 'verify')
  if (!fit) throw new Unfit(`is a JWK whose \`key_ops\` are not ${needed.join(' and ')}`)
}

function checkMembers(
  jwk: Record<string, unknown>,
  { open, secret }: { open: readonly string[]; secret: readonly string[] },
  isPrivate: boolean,
): void {
  if (jwk.oth !== undefined) throw new Unfit('is an RSA key of more than two primes')
  const names = isPrivate || jwk.kty === 'oct' ? [...open, ...secret] : open
  for (const name of names) {
    const value = jwk[name]
    if (typeof value !== 'string' || value === '' || !isBase64url(value)) {
      throw new Unfit(`is a JWK whose \`${name}\` is not base64url`)
    }
  }
}

function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
}

function isStrongRsa(key: KeyObject): boolean {
  // Every asymmetric key has details, if only empty ones.
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails as AsymmetricKeyDetails
  return key.asymmetricKeyType === 'rsa' && modulusLength >= 2048 && publicExponent >= 65_537n
}

// What a pair is for is tried: neither half's own account of the other is believed.
function isPair(algorithm: Algorithm, signs: KeyObject, verifies: KeyObject): boolean {
  if (!createPublicKey(signs).equals(verifies)) return false
  const digest = algorithm === 'EdDSA' ? null : 'sha256'
  const probe = Buffer.from('auth-primer')
  return verify(digest, probe, verifies, sign(digest, probe, signs))
}

function hintFor(algorithm: Algorithm): string {
  if (algorithm === 'HS256') {
    return 'Make a secret with `jwt-kit keygen --alg HS256`, keep it out of the code, and use it for nothing else.'
  }
  return `Make a key with \`jwt-kit keygen --alg ${algorithm}\`.`
}
