import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import { type Algorithm, KEY_TYPES } from './algorithms.ts'
import { isBase64url } from './base64url.ts'
import type { JsonObject } from './strict-json.ts'

/** Why a key does not do. */
export class Unfit extends Error {}

/** The members of each type that hold the key (RFC 7518 §6, RFC 8037 §2). */
const MEMBERS = {
  oct: { open: [], secret: ['k'] },
  EC: { open: ['x', 'y'], secret: ['d'] },
  OKP: { open: ['x'], secret: ['d'] },
  RSA: { open: ['n', 'e'], secret: ['d', 'p', 'q', 'dp', 'dq', 'qi'] },
} as const

/**
 * Reads a JWK (RFC 7517 §4) as strictly as it is written: `use`, `key_ops` and `alg` say what a key is for, and node:crypto
 * reads none of them.
 *
 * @throws {Unfit}
 */
export function fromJwk(algorithm: Algorithm, jwk: JsonObject): KeyObject {
  const { kty } = KEY_TYPES[algorithm]
  if (jwk.kty !== kty) throw new Unfit(`is a JWK of another \`kty\` than ${kty}, which ${algorithm} needs`)
  if (jwk.alg !== undefined && jwk.alg !== algorithm)
    throw new Unfit(`is a JWK whose \`alg\` is not ${algorithm}`)
  if (jwk.use !== undefined && jwk.use !== 'sig') throw new Unfit('is a JWK whose `use` is not "sig"')
  if (jwk.oth !== undefined) throw new Unfit('is an RSA key of more than two primes')
  checkOperations(jwk.key_ops, jwk.d === undefined ? 'verify' : 'sign')
  const { open, secret } = MEMBERS[kty]
  const names = kty === 'oct' || jwk.d !== undefined ? [...open, ...secret] : open
  checkSpelling(jwk, names)
  const key = toKeyObject(jwk, kty)
  const spelled = key.export({ format: 'jwk' }) as JsonObject
  // RFC 7518 §6: numbers have one length, with all their leading zeros or with none.
  const other = names.find((name) => jwk[name] !== spelled[name])
  if (other === undefined) return key
  throw new Unfit(`is a JWK whose \`${other}\` does not belong to the rest, or is not of its length`)
}

/** Whether a key is one that says that it must not sign. */
export function forbidsSigning(input: unknown): boolean {
  const operations = (input as { key_ops?: unknown }).key_ops
  return Array.isArray(operations) && !operations.includes('sign')
}

function toKeyObject(jwk: JsonObject, kty: string): KeyObject {
  if (kty === 'oct') return createSecretKey(Buffer.from(jwk.k as string, 'base64url'))
  const key = jwk as JsonWebKey
  return jwk.d === undefined
    ? createPublicKey({ key, format: 'jwk' })
    : createPrivateKey({ key, format: 'jwk' })
}

function checkOperations(operations: unknown, needed: 'sign' | 'verify'): void {
  if (operations === undefined) return
  const fit =
    Array.isArray(operations) &&
    operations.includes(needed) &&
    new Set(operations).size === operations.length &&
    operations.every((name) => name === 'sign' || name === 'verify')
  if (!fit) throw new Unfit(`is a JWK whose \`key_ops\` are not for signatures, or lack ${needed}`)
}

function checkSpelling(jwk: JsonObject, names: readonly string[]): void {
  for (const name of names) {
    const value = jwk[name]
    if (typeof value === 'string' && value !== '' && isBase64url(value)) continue
    throw new Unfit(`is a JWK whose \`${name}\` is not base64url`)
  }
}
