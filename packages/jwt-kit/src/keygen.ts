import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import type { Algorithm } from './algorithms.ts'

/** A new key as text: a private key as PEM, or for HS256 a secret of 256 random bits. */
export function generateKey(algorithm: Algorithm): string {
  if (algorithm === 'HS256') return `${randomBytes(32).toString('base64url')}\n`
  return String(generatePrivateKey(algorithm).export({ type: 'pkcs8', format: 'pem' }))
}

function generatePrivateKey(algorithm: Algorithm): KeyObject {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519').privateKey
  return generateKeyPairSync('rsa', { modulusLength: 3072 }).privateKey
}
