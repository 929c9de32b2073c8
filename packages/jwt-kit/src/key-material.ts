import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { types } from 'node:util'
import { ALGORITHM_SPECS, type Algorithm } from './algorithms.ts'
import { isObject } from './encoding.ts'
import { JwtKitError } from './errors.ts'
import { forbidsSigning, type Jwk, readJwk, UnsuitableKey } from './jwk.ts'
import { findWeakness } from './weak-key.ts'

/**
 * A `KeyObject` of node:crypto. It is described by its shape, so that this type means the same with every version of
 * `@types/node`.
 */
export interface NodeKey {
  /** `secret`, `public` or `private`. */
  readonly type: 'secret' | 'public' | 'private'
  /** Exports the key. */
  readonly export: (...options: never[]) => unknown
}

/** A key: PEM as text, a JWK, a `KeyObject`, or for HS256, HS384 and HS512 a secret as text (its UTF-8 bytes) or bytes. */
export type KeyInput = string | Uint8Array | Jwk | NodeKey

/** The parts of an entry that make up its key. */
export interface KeySource {
  readonly key?: unknown
  readonly publicKey?: unknown
  readonly passphrase?: unknown
}

/** A key that was checked. For a secret, both halves are the secret. @internal */
export interface KeyPair {
  readonly verificationKey: KeyObject
  /** Undefined if the key can only verify. */
  readonly signingKey: KeyObject | undefined
}

/**
 * Reads a key and binds it to its algorithm.
 *
 * @throws {JwtKitError} `JWT_KIT_KEY` if it is weak, of another type, meant for another use, or its halves do not match.
 *
 * @internal
 */
export function readKey(algorithm: Algorithm, kid: string, source: KeySource): KeyPair {
  try {
    return readPair(algorithm, source)
  } catch (error) {
    // Only our own messages: what node:crypto throws may quote the key.
    const { message, hint } = error instanceof UnsuitableKey ? error : new UnsuitableKey('cannot be read')
    throw new JwtKitError('JWT_KIT_KEY', `The key ${kid} ${message}`, {
      hint: hint ?? suggestNewKey(algorithm),
    })
  }
}

function readPair(algorithm: Algorithm, { key: input, publicKey, passphrase }: KeySource): KeyPair {
  const key = readHalf(algorithm, input, passphrase)
  if (key.type === 'secret') return readSecret(algorithm, key, input, publicKey)
  if (key.type === 'public') {
    if (publicKey === undefined) return { verificationKey: key, signingKey: undefined }
    throw new UnsuitableKey('is public already, so `publicKey` is not needed', 'Leave `publicKey` out.')
  }
  const verificationKey = publicKey === undefined ? createPublicKey(key) : readHalf(algorithm, publicKey)
  if (verificationKey.type === 'public' && isPair(algorithm, key, verificationKey)) {
    return { verificationKey, signingKey: key }
  }
  throw new UnsuitableKey(
    'has a private and a public half that do not match',
    'Leave `publicKey` out: it is computed from the private key.',
  )
}

function readSecret(algorithm: Algorithm, secret: KeyObject, input: unknown, publicKey: unknown): KeyPair {
  if (publicKey !== undefined)
    throw new UnsuitableKey('is a secret, which has no public half', 'Leave `publicKey` out.')
  const weakness = findWeakness(secret.export(), ALGORITHM_SPECS[algorithm].minSecretBytes)
  if (weakness !== undefined) throw new UnsuitableKey(weakness)
  return { verificationKey: secret, signingKey: forbidsSigning(input) ? undefined : secret }
}

// Check the pair by signing and verifying a probe instead of trusting its metadata.
function isPair(algorithm: Algorithm, signingKey: KeyObject, verificationKey: KeyObject): boolean {
  if (!createPublicKey(signingKey).equals(verificationKey)) return false
  const { createSigner, createVerifier } = ALGORITHM_SPECS[algorithm]
  return createVerifier(verificationKey)('auth-primer', createSigner(signingKey)('auth-primer'))
}

function readHalf(algorithm: Algorithm, input: unknown, passphrase?: unknown): KeyObject {
  const key = toKeyObject(algorithm, input, passphrase)
  if (ALGORITHM_SPECS[algorithm].fits(key)) return key
  throw new UnsuitableKey(`is not ${ALGORITHM_SPECS[algorithm].needs}, which ${algorithm} needs`)
}

function toKeyObject(algorithm: Algorithm, input: unknown, passphrase: unknown): KeyObject {
  if (types.isKeyObject(input)) return input
  if (types.isCryptoKey(input)) {
    throw new UnsuitableKey(
      'is a CryptoKey of Web Crypto',
      'Convert it: `KeyObject.from(cryptoKey)` of node:crypto.',
    )
  }
  if (typeof input === 'string' || input instanceof Uint8Array) {
    const bytes = Buffer.from(input as string)
    return ALGORITHM_SPECS[algorithm].kty === 'oct'
      ? createSecretKey(bytes)
      : readPem(bytes.toString(), passphrase)
  }
  if (isObject(input)) {
    if ('key' in input) {
      throw new UnsuitableKey(
        'is an object with a member `key`',
        'Put `key` and `passphrase` into the entry: { kid, key, passphrase }.',
      )
    }
    if (input.kty === undefined) {
      throw new UnsuitableKey(
        'is an object without a `kty`, so it is not a JWK',
        'Await it if it is a promise, and take the key out if it is a set or a pair.',
      )
    }
    return readJwk(algorithm, input)
  }
  if (input === undefined) {
    throw new UnsuitableKey('is undefined', 'If it comes from an environment variable, set that variable.')
  }
  throw new UnsuitableKey('is neither text, bytes, a JWK nor a KeyObject')
}

const BLOCK = /^-----BEGIN ([A-Z0-9 ]+)-----\r?\n[A-Za-z0-9+/=\r\n:,. -]+-----END \1-----$/
const READABLE =
  /^-----BEGIN ((?:EC |RSA )?PRIVATE KEY|(?:RSA )?PUBLIC KEY)-----\r?\n[A-Za-z0-9+/=\r\n]+-----END \1-----$/

function readPem(untrimmed: string, passphrase: unknown): KeyObject {
  const text = untrimmed.trim()
  const isEncrypted =
    /^-----BEGIN ENCRYPTED PRIVATE KEY-----/.test(text) || /^Proc-Type: 4,ENCRYPTED/m.test(text)
  if (isEncrypted && BLOCK.test(text)) return decryptPem(text, passphrase)
  const label = READABLE.exec(text)?.[1]
  if (label === undefined) throw describeText(text)
  if (passphrase !== undefined)
    throw new UnsuitableKey('is not encrypted, so `passphrase` is not needed', 'Leave `passphrase` out.')
  try {
    return label.endsWith('PUBLIC KEY') ? createPublicKey(text) : createPrivateKey(text)
  } catch {
    throw new UnsuitableKey(
      `is a PEM block ${label} that cannot be read`,
      'Check that it was copied completely.',
    )
  }
}

function decryptPem(text: string, passphrase: unknown): KeyObject {
  if (typeof passphrase !== 'string' || passphrase === '') {
    throw new UnsuitableKey(
      'is an encrypted PEM block',
      'Add its passphrase to the entry: { kid, key, passphrase }.',
    )
  }
  try {
    return createPrivateKey({ key: text, passphrase })
  } catch {
    throw new UnsuitableKey(
      'is an encrypted PEM block that this passphrase does not open',
      'Check the passphrase.',
    )
  }
}

/** The usual mistakes with PEM, each with its sign, its name and its fix. */
const PEM_MISTAKES: readonly (readonly [sign: RegExp, message: string, hint: string])[] = [
  [/^$/, 'is empty text', 'If it comes from an environment variable, set that variable.'],
  [/^["']/, 'is PEM in quotes', 'Remove the quotes around it.'],
  [
    /-----\\r?\\?n|\\n-----/,
    'is PEM with \\n written out instead of line breaks',
    "Convert it: key.replaceAll('\\\\n', '\\n').",
  ],
  [
    /-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/,
    'is a certificate',
    'Take the key out: `new X509Certificate(pem).publicKey` of node:crypto.',
  ],
  [
    /-----BEGIN EC PARAMETERS-----/,
    'starts with a block EC PARAMETERS',
    'Keep only the block EC PRIVATE KEY.',
  ],
  [
    /-----BEGIN OPENSSH PRIVATE KEY-----|^(ssh|ecdsa|sk)-\S+ /,
    'is in the format of OpenSSH',
    'Convert it: `ssh-keygen -p -m PKCS8 -f <file>`.',
  ],
  [
    /-----BEGIN [\s\S]*-----BEGIN /,
    'has more than one PEM block',
    'Keep only the block of the key: the public half is computed from the private one.',
  ],
  [/[\s\S]-----BEGIN /, 'has text before the PEM block', 'Keep only the block, from BEGIN to END.'],
  [/^\{/, 'is text of a JWK', 'Parse it: JSON.parse(text).'],
  [/^-----BEGIN /, 'is a damaged PEM block, or one of another kind', 'Check that it was copied completely.'],
]

function describeText(text: string): UnsuitableKey {
  const mistake = PEM_MISTAKES.find(([sign]) => sign.test(text))
  if (mistake === undefined)
    return new UnsuitableKey('is text that is not a PEM block of a private or public key')
  return new UnsuitableKey(mistake[1], mistake[2])
}

function suggestNewKey(algorithm: Algorithm): string {
  const advice = `Make one with \`npx @auth-primer/jwt-kit keygen --alg ${algorithm}\``
  return ALGORITHM_SPECS[algorithm].kty === 'oct'
    ? `${advice}, keep it out of the code, and use it for nothing else.`
    : `Check which key this is. ${advice} if it is your own.`
}
