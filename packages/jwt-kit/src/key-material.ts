import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type JsonWebKey,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { types } from 'node:util'
import { type Algorithm, KEY_TYPES } from './algorithms.ts'
import { JwtKitError } from './errors.ts'
import { forbidsSigning, fromJwk, Unfit } from './jwk.ts'
import { isObject } from './strict-json.ts'
import { weakness } from './weak-secret.ts'

/**
 * A key, in any of the forms it comes in: PEM text, a JWK, a `KeyObject`, or for HS256 a secret as text (its UTF-8 bytes) or
 * as bytes.
 */
export type KeyInput = string | Uint8Array | JsonWebKey | KeyObject

/** A key that was checked: the half that verifies and, where it is known, the half that signs. For HS256 both are the secret. */
export interface KeyPair {
  readonly verifies: KeyObject
  readonly signs: KeyObject | undefined
}

/**
 * Reads a key and binds it to its algorithm.
 *
 * @throws {JwtKitError} `JWT_KIT_KEY` where it is weak, of another type, meant for another use, or its halves do not match.
 */
export function readKey(algorithm: Algorithm, kid: string, input: unknown, publicHalf?: unknown): KeyPair {
  try {
    const key = readHalf(algorithm, input)
    if (algorithm === 'HS256') return readSecret(key, input, publicHalf)
    if (key.type === 'private') return readPair(algorithm, key, publicHalf)
    if (publicHalf !== undefined) throw new Unfit('is public already, so that `publicKey` is one too many')
    return { verifies: key, signs: undefined }
  } catch (problem) {
    // What node:crypto throws may quote the key.
    const why = problem instanceof Unfit ? problem.message : 'cannot be read'
    throw new JwtKitError('JWT_KIT_KEY', `The key ${kid} ${why}`, { hint: hintFor(algorithm) })
  }
}

function readSecret(secret: KeyObject, input: unknown, publicHalf: unknown): KeyPair {
  if (publicHalf !== undefined) throw new Unfit('is a secret, which has no public half')
  const why = weakness(secret.export())
  if (why !== undefined) throw new Unfit(why)
  return { verifies: secret, signs: forbidsSigning(input) ? undefined : secret }
}

function readPair(algorithm: Algorithm, signs: KeyObject, publicHalf: unknown): KeyPair {
  const verifies = publicHalf === undefined ? createPublicKey(signs) : readHalf(algorithm, publicHalf)
  if (verifies.type === 'public' && isPair(algorithm, signs, verifies)) return { verifies, signs }
  throw new Unfit('has a private and a public half that do not match')
}

// What a pair is for is tried: neither half's own account of the other is believed.
function isPair(algorithm: Algorithm, signs: KeyObject, verifies: KeyObject): boolean {
  if (!createPublicKey(signs).equals(verifies)) return false
  const digest = algorithm === 'EdDSA' ? null : 'sha256'
  const probe = Buffer.from('auth-primer')
  return verify(digest, probe, verifies, sign(digest, probe, signs))
}

function readHalf(algorithm: Algorithm, input: unknown): KeyObject {
  const key = toKeyObject(algorithm, input)
  if (KEY_TYPES[algorithm].fits(key)) return key
  throw new Unfit(`is not ${KEY_TYPES[algorithm].name}, which ${algorithm} needs`)
}

function toKeyObject(algorithm: Algorithm, input: unknown): KeyObject {
  if (types.isKeyObject(input)) return input
  if (typeof input === 'string' || input instanceof Uint8Array) {
    const bytes = Buffer.from(input as string)
    return algorithm === 'HS256' ? createSecretKey(bytes) : fromPem(bytes.toString())
  }
  if (isObject(input)) return fromJwk(algorithm, input)
  throw new Unfit('is neither text, bytes, a JWK nor a KeyObject')
}

const PEM =
  /^-----BEGIN ((?:EC |RSA )?PRIVATE KEY|(?:RSA )?PUBLIC KEY)-----\r?\n[A-Za-z0-9+/=\r\n]+-----END \1-----$/

function fromPem(text: string): KeyObject {
  const label = PEM.exec(text.trim())?.[1]
  if (label === undefined) throw new Unfit('is not one unencrypted PEM block of a private or public key')
  return label.endsWith('PUBLIC KEY') ? createPublicKey(text) : createPrivateKey(text)
}

function hintFor(algorithm: Algorithm): string {
  const make = `Make one with \`jwt-kit keygen --alg ${algorithm}\``
  return algorithm === 'HS256' ? `${make}, keep it out of the code, and use it for nothing else.` : `${make}.`
}
