import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'

/** The fewest bytes of a secret for HS256. RFC 7518 §3.2: a key of the size of the hash output or larger MUST be used. */
const MIN_BYTES = 32

/** 32 random decimal digits have fewer distinct ones about once in 17 million. */
const MIN_DISTINCT_BYTES = 6

/** Secrets of 32 bytes and more that documentation, tutorials and token debuggers print. Compared in lower case. */
const WELL_KNOWN: ReadonlySet<string> = new Set(
  [
    '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7',
    '404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970',
    '5367566B59703373367639792F423F4528482B4D6251655468576D5A71347437',
    '9a4f2c8d3b7a1e6f45c8a0b3f267d8b1d4e6f3c8a9d2b5f8e3a9c8b5f6v8a3d9',
    '======================BezKoder=Spring===========================',
    'thisisaverysecuresecretkeythatnoonecanguess',
    // Earlier documentation of this package.
    'q9F3-vT7x_Lm2RkZ8sWd5YbN0cHj6GpA',
    'Zt4-wKq8_Xn1PfUj7oEi3DrB6yVm9HsC',
    'made by: npx jwt-kit keygen --alg HS256',
    'made by: npx @auth-primer/jwt-kit keygen --alg HS256',
  ].map((secret) => secret.toLowerCase()),
)

/** RFC 7515 appendix A.1, whose bytes are not text. */
const RFC7515_A1 = 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow'

/** A secret of nothing but these words, digits and punctuation is a placeholder that someone meant to replace. */
const PLACEHOLDER_WORDS: readonly string[] = [
  'a an and and any as at be bit bits byte bytes by change changed changeit changeme character characters char chars complex',
  'create default dev development do does dummy edit enter env environment example fixme for foo bar from generate generated here',
  'hmac hs in insecure insert instead is it jsonwebtoken jwt keep key keys least length local long me min minimum must my need',
  'needs never no not of on only or our outside pass passphrase password placeholder please prod production random replace safe',
  'sample secret secrets secure secured set should shhh sign signing some something source code staging string strong super supersecret',
  'test testing than that the this to todo token tokens top unsafe update use used value values very with you your',
  'access refresh api app application auth authentication authorization backend server session spring nest node express django flask',
  'after again before commit config configuration deploy deploying deployment go going soon later launch live now publish publishing',
  'push release releasing rotate ship shipping some everyone they we it me when will would dont cannot only demo qwerty admin root user forget remember',
  'hello world welcome letmein login private public hash salt unsafe easy guess guessable known well open source project company',
].flatMap((line) => line.split(' '))

/** Returns why an HMAC secret must not be used, or undefined. */
export function findWeakness(secret: Buffer, minBytes = MIN_BYTES): string | undefined {
  if (secret.length < minBytes) return `is shorter than ${minBytes} bytes`
  // A secret with a final newline, in quotes or in capitals is as well known as it is without.
  const text = secret
    .toString()
    .replace(/^[\s"'`]+|[\s"'`]+$/g, '')
    .toLowerCase()
  if (WELL_KNOWN.has(text) || secret.toString('base64url') === RFC7515_A1) return 'is a well-known example'
  if (consistsOfWords(text)) return 'is a placeholder, and not random'
  if (isRepetition(secret)) return 'is one pattern over and over'
  if (new Set(secret).size < MIN_DISTINCT_BYTES) return `has fewer than ${MIN_DISTINCT_BYTES} distinct bytes`
  if (isWalk(secret.toString('latin1').trim().toLowerCase()))
    return 'follows the keys of a keyboard or the alphabet'
  if (containsKey(secret)) return 'is a key of another kind, such as a public key, and not a secret'
  return undefined
}

function consistsOfWords(text: string): boolean {
  // Bytes that are not text have few letters, and then by chance none.
  if (text.replace(/\P{L}/gu, '').length < text.length / 2) return false
  const reached = new Set([0])
  // A set's iteration also visits what is added to it on the way.
  for (const at of reached) {
    if (at >= text.length) return true
    if (!/\p{L}/u.test(text[at] as string)) reached.add(at + 1)
    for (const word of PLACEHOLDER_WORDS) if (text.startsWith(word, at)) reached.add(at + word.length)
  }
  return false
}

// A random secret does not repeat a pattern of this length.
const MAX_PATTERN_BYTES = MIN_BYTES / 2

function isRepetition(secret: Buffer): boolean {
  for (let period = 1; period <= MAX_PATTERN_BYTES; period++) {
    if (secret.subarray(period).equals(secret.subarray(0, -period))) return true
  }
  return false
}

const KEYBOARD = ['1234567890-=', 'qwertyuiop[]', "asdfghjkl;'", 'zxcvbnm,./', '!@#$%^&*()_+']
const POSITIONS = new Map(
  KEYBOARD.flatMap((keys, row) =>
    Array.from(keys, (key, column) => [key, { row: row === 4 ? 0 : row, column }] as const),
  ),
)
/** The share of steps to a neighboring key. In random text it is up to 3 in 10; 7 in 10 occur in about one of a million secrets. */
const WALK = 0.7

function isWalk(text: string): boolean {
  const steps = Array.from(text).slice(1)
  return steps.filter((to, at) => isNeighbor(text[at] as string, to)).length >= steps.length * WALK
}

function isNeighbor(from: string, to: string): boolean {
  if (Math.abs(from.charCodeAt(0) - to.charCodeAt(0)) <= 1) return true
  const [a, b] = [POSITIONS.get(from), POSITIONS.get(to)]
  return !!a && !!b && Math.abs(a.row - b.row) <= 1 && Math.abs(a.column - b.column) <= 1
}

/** The deepest nesting of encodings, such as base64 of a PEM in a data URL. */
const MAX_ENCODINGS = 3

/**
 * A public key that is used as a secret lets anyone sign: the oldest of the algorithm confusions (RFC 8725 §2.1). It is found by
 * its structure, which random bytes do not have: a bare modulus looks like any other number.
 */
function containsKey(bytes: Buffer, depth = MAX_ENCODINGS): boolean {
  const text = bytes.toString('latin1').replaceAll('\0', '').trim()
  if (/-----BEGIN /i.test(text) || /^(ssh|ecdsa|sk)-[a-z0-9@.-]+ /.test(text)) return true
  if (/^[{[]/.test(text) && succeeds(() => JSON.parse(text))) return true
  if (isDer(bytes) || isOpenSsh(bytes) || /^modulus=[0-9a-f]+$/i.test(text)) return true
  return depth > 0 && decodings(text).some((decoded) => containsKey(decoded, depth - 1))
}

function decodings(text: string): Buffer[] {
  const decoded: Buffer[] = []
  const payload = text.replace(/^data:[^,]*,/i, '')
  if (payload !== text) decoded.push(Buffer.from(payload))
  if (/%[0-9a-f]{2}/i.test(text) && succeeds(() => decodeURIComponent(text)))
    decoded.push(Buffer.from(decodeURIComponent(text)))
  if (/^[A-Za-z0-9+/_=\s-]+$/.test(payload)) decoded.push(Buffer.from(payload, 'base64'))
  const digits = payload.replace(/^0x/i, '').replace(/[\s:]/g, '')
  if (/^([0-9a-f]{2})+$/i.test(digits)) decoded.push(Buffer.from(digits, 'hex'))
  return decoded
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

/** RFC 4253 §6.6: the length of the algorithm's name, and the name. */
function isOpenSsh(bytes: Buffer): boolean {
  if (bytes.length < 8) return false
  const name = bytes.toString('latin1', 4, 4 + Math.min(bytes.readUInt32BE(0), 64))
  return /^(ssh|ecdsa|sk)-[a-z0-9@.-]+$/.test(name)
}

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt()
    return true
  } catch {
    return false
  }
}

/** The primes whose residues reveal a ROCA key. */
export const ROCA_PRIMES = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
  109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
] as const

/**
 * Returns true if an RSA modulus was made by Infineon's library (ROCA, CVE-2017-15361): it is a power of 65537 modulo each
 * small prime, and can be factored. A sound modulus looks like that about four times in 10⁹.
 */
export function isRoca(modulus: bigint): boolean {
  return ROCA_PRIMES.every((prime) => powersOf65537(prime).has(Number(modulus % BigInt(prime))))
}

function powersOf65537(prime: number): ReadonlySet<number> {
  const powers = new Set<number>()
  for (let power = 1; !powers.has(power); power = (power * 65_537) % prime) powers.add(power)
  return powers
}
