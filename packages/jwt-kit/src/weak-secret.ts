import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'

/** RFC 7518 §3.2: a key of the size of the hash output or larger MUST be used. */
const LEAST_BYTES = 32

/** Secrets of 32 bytes and more that documentation, tutorials and token debuggers print. */
const WELL_KNOWN: ReadonlySet<string> = new Set([
  '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7',
  '404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970',
  '5367566B59703373367639792F423F4528482B4D6251655468576D5A71347437',
  '9a4f2c8d3b7a1e6f45c8a0b3f267d8b1d4e6f3c8a9d2b5f8e3a9c8b5f6v8a3d9',
  '======================BezKoder=Spring===========================',
  'a-string-secret-at-least-256-bits-long',
  'a-valid-string-secret-that-is-at-least-384-bits-long',
  'a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long',
  'qwertyuiopasdfghjklzxcvbnm123456',
  'your-256-bit-secret-your-256-bit-secret',
  'abcdefghijklmnopqrstuvwxyz123456',
  'abcdefghijklmnopqrstuvwxyz0123456789',
  '0123456789abcdef0123456789abcdef',
  '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
  'thisisaverysecuresecretkeythatnoonecanguess',
  'this-is-a-very-long-secret-key-for-jwt',
  'this_is_a_very_long_and_secure_secret_key',
  'my-super-secret-key-that-is-at-least-32-characters-long',
  'your-super-secret-jwt-token-with-at-least-32-characters-long',
  'super-secret-jwt-token-with-at-least-32-characters-long',
  'your-secret-key-must-be-at-least-32-characters-long',
  'averyveryveryveryveryverylongsecret',
  'change-me-change-me-change-me-change-me',
  'please-change-this-secret-in-production',
])

/** RFC 7515 appendix A.1, whose bytes are no text. */
const RFC7515_A1 = 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow'

/** Why an HMAC secret must not be used, or nothing. */
export function weakness(secret: Buffer): string | undefined {
  if (secret.length < LEAST_BYTES) return `is shorter than ${LEAST_BYTES} bytes`
  if (WELL_KNOWN.has(secret.toString()) || secret.toString('base64url') === RFC7515_A1) {
    return 'is a well-known example'
  }
  if (isRepetition(secret)) return 'is one pattern over and over'
  if (looksLikeKey(secret)) return 'is a key of another kind, such as a public key, and not a secret'
  return undefined
}

// A random secret does not repeat within half of the least length.
const LONGEST_PATTERN = LEAST_BYTES / 2

function isRepetition(secret: Buffer): boolean {
  for (let period = 1; period <= LONGEST_PATTERN; period++) {
    if (secret.subarray(period).equals(secret.subarray(0, -period))) return true
  }
  return false
}

// A public key that is taken for a secret lets anyone sign: the oldest of the algorithm confusions (RFC 8725 §2.1).
function looksLikeKey(secret: Buffer): boolean {
  const text = secret.toString('latin1').trim()
  if (text.includes('-----BEGIN ') || /^(ssh|ecdsa|sk)-[a-z0-9@.-]+ /.test(text)) return true
  if (/^[{[]/.test(text) && isJson(text)) return true
  const spellings = [secret]
  if (/^[A-Za-z0-9+/_=\s-]+$/.test(text)) spellings.push(Buffer.from(text, 'base64'))
  if (/^[0-9a-f]+$/i.test(text)) spellings.push(Buffer.from(text, 'hex'))
  return spellings.some(isDer)
}

function isJson(text: string): boolean {
  return succeeds(() => JSON.parse(text))
}

function isDer(der: Buffer): boolean {
  if (der[0] !== 0x30) return false
  return (
    succeeds(() => createPublicKey({ key: der, format: 'der', type: 'spki' })) ||
    succeeds(() => createPublicKey({ key: der, format: 'der', type: 'pkcs1' })) ||
    succeeds(() => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })) ||
    succeeds(() => createPrivateKey({ key: der, format: 'der', type: 'pkcs1' })) ||
    succeeds(() => createPrivateKey({ key: der, format: 'der', type: 'sec1' })) ||
    succeeds(() => new X509Certificate(der))
  )
}

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt()
    return true
  } catch {
    return false
  }
}
