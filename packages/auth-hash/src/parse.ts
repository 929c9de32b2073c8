import { AuthHashError, describeKind } from './errors.ts'

/** A stored hash that bcrypt computed, taken apart. */
export interface BcryptHash {
  /** The way in which the password became the bytes that bcrypt was given. */
  readonly scheme: 'bcrypt' | 'bcrypt-sha256' | 'bcrypt-sha256-v1' | 'django' | 'wordpress'
  /** bcrypt ran 2^cost rounds. */
  readonly cost: number
  /** 128 bits in bcrypt's own base64: 22 characters. */
  readonly salt: string
  /** 184 bits in bcrypt's own base64: 31 characters. */
  readonly digest: string
  /** The id of the pepper; undefined if there is none. */
  readonly keyId: string | undefined
  /** The version as written: 2a, 2b or 2y. All three are computed in the same way. */
  readonly version: '2a' | '2b' | '2y'
}

/** A stored hash of Argon2id, taken apart. */
export interface Argon2Hash {
  /** The function that made it. */
  readonly scheme: 'argon2id'
  /** The memory that it took, in KiB. */
  readonly memory: number
  /** The number of times that it went through that memory. */
  readonly passes: number
  /** The number of lanes, which may be computed at the same time. */
  readonly parallelism: number
  /** Base64 without padding. */
  readonly salt: string
  /** Base64 without padding. */
  readonly digest: string
  /** The id of the pepper; undefined if there is none. */
  readonly keyId: string | undefined
  /** 19 is version 1.3, the only one that is read. */
  readonly version: '19'
  /** bcrypt has a cost; Argon2id has `memory` and `passes`. */
  readonly cost?: undefined
}

/** A stored hash, taken apart. */
export type StoredHash = BcryptHash | Argon2Hash

// 128 bits are 21⅓ characters and 184 bits are 30⅔: the last one cannot have every value.
const SALT = '(?<salt>[./A-Za-z0-9]{21}[.Oeu])'
const DIGEST = '(?<digest>[./A-Za-z0-9]{30}[.CGKOSWaeimquy26])'
const COST = '(?<cost>0[4-9]|[12][0-9]|3[01])'
const CRYPT = `\\$(?<version>2[aby])\\$${COST}\\$${SALT}${DIGEST}`
const KEY_ID = '[A-Za-z0-9.-]{1,32}'

/** Django writes bcrypt$ in front of a hash, Spring {bcrypt}, LDAP {CRYPT}, and Dovecot {BLF-CRYPT}. */
const PREFIX = /^(?:bcrypt\$|\{(?:bcrypt|crypt|blf-crypt)\})/i

const FORMATS = [
  ['bcrypt', new RegExp(`^${CRYPT}$`)],
  [
    'bcrypt-sha256',
    new RegExp(
      `^\\$bcrypt-sha256\\$v=2,t=(?<version>2b),r=(?<cost>[4-9]|[12][0-9]|3[01])(?:,keyid=(?<keyId>${KEY_ID}))?\\$${SALT}\\$${DIGEST}$`,
    ),
  ],
  [
    'bcrypt-sha256-v1',
    new RegExp(`^\\$bcrypt-sha256\\$(?<version>2[ab]),(?<cost>[4-9]|[12][0-9]|3[01])\\$${SALT}\\$${DIGEST}$`),
  ],
  ['django', new RegExp(`^bcrypt_sha256\\$${CRYPT}$`)],
  ['wordpress', new RegExp(`^\\$wp${CRYPT}$`)],
] as const

// Django writes argon2 in front of a hash, Spring {argon2} or {argon2@SpringSecurity_v5_8}.
const ARGON2 =
  /^(?:argon2|\{argon2(?:@SpringSecurity_v5_8)?\})?\$argon2id\$v=19\$(?<parameters>[a-z]+=[A-Za-z0-9.-]+(?:,[a-z]+=[A-Za-z0-9.-]+)*)\$(?<salt>[A-Za-z0-9+/]{11,86})\$(?<digest>[A-Za-z0-9+/]{16,86})$/

/**
 * Reads a stored hash, from its first character to its last. Returns undefined for anything that bcrypt or Argon2 would
 * overlook.
 */
export function parse(text: unknown): StoredHash | undefined {
  if (typeof text !== 'string') return undefined
  for (const [scheme, format] of FORMATS) {
    const groups = format.exec(scheme === 'bcrypt' ? text.replace(PREFIX, '') : text)?.groups
    if (groups === undefined) continue
    // The pattern has matched, so each of these groups exists and has the form of its part of the pattern.
    const { version, cost, salt, digest, keyId } = groups as {
      version: BcryptHash['version']
      cost: string
      salt: string
      digest: string
      keyId?: string
    }
    return { scheme, version, cost: Number(cost), salt, digest, keyId }
  }
  return parseArgon2(text)
}

/** Reads the parameters by their names, since their order differs between writers. */
function parseArgon2(text: string): Argon2Hash | undefined {
  const groups = ARGON2.exec(text)?.groups as Record<'parameters' | 'salt' | 'digest', string> | undefined
  if (groups === undefined) return undefined
  const pairs = groups.parameters.split(',').map((pair) => pair.split('=') as [string, string])
  const { m = '', t = '', p = '', keyid: keyId, ...unknown } = Object.fromEntries(pairs)
  const hasTwice = new Set(pairs.map(([name]) => name)).size < pairs.length
  const isNumber = (value: string) => /^[1-9][0-9]{0,8}$/.test(value)
  if (hasTwice || Object.keys(unknown).length > 0 || ![m, t, p].every(isNumber)) return undefined
  const [memory, passes, parallelism] = [Number(m), Number(t), Number(p)]
  if (memory < 8 * parallelism || (keyId !== undefined && keyId.length > 32)) return undefined
  const { salt, digest } = groups
  return { scheme: 'argon2id', version: '19', memory, passes, parallelism, salt, digest, keyId }
}

/** Beginnings of hashes that are sound, but not read here. */
const OTHER_SCHEMES: readonly (readonly [RegExp, string])[] = [
  [/^\$2x\$/, 'of bcrypt 2x, which marks hashes of a faulty implementation'],
  [/^\$2\$/, 'of bcrypt 2, the first version, which is no longer written'],
  [
    /^(argon2|\{argon2[^}]*\})?\$argon2([id]\$|id\$(?!v=19\$))/,
    'of Argon2 in another form than argon2id of version 19',
  ],
  [/^\$pbkdf2|^pbkdf2[_:]|^\{pbkdf2/i, 'of PBKDF2'],
  [/^\$scrypt\$|^\$7\$|^scrypt[$:]|^\{scrypt/i, 'of scrypt'],
  [/^\$g?y\$/, 'of yescrypt'],
  [/^\$[PH]\$/, 'of phpass, as WordPress before 6.8 and phpBB write it'],
  [/^(\{crypt\})?\$([156]|apr1|md5|sha1)\$/i, 'of crypt with MD5 or SHA'],
  [/^\{(s?sha|s?md5|ssha\d+|sha-?\d+)\}|^(sha1|sha256|md5|unsalted_\w+)\$/i, 'of a digest that is not slow'],
  [
    /^([0-9a-f]{32}|\*?[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})$/i,
    'of hexadecimal digits, as a bare digest has',
  ],
  [
    /^(\$(?!2[aby]\$|bcrypt-sha256\$|wp\$|argon2id\$)[a-z][\w-]*\$|\{(?!(blf-)?(bcrypt|crypt|argon2)\b)[a-z][\w-]*\})/i,
    'of a scheme that is not known here',
  ],
]

/** Returns a description if the text looks like a sound hash of a scheme that is not read here. */
export function describeOtherScheme(text: string): string | undefined {
  return OTHER_SCHEMES.find(([start]) => start.test(text))?.[1]
}

/**
 * Returns the error for text that {@link parse} does not read: it describes the problem, and never contains the text.
 */
export function unreadableHash(text: unknown): AuthHashError {
  const other = typeof text === 'string' ? describeOtherScheme(text) : undefined
  const expected = `Expected a hash of bcrypt, bcrypt-sha256, Django's or WordPress's bcrypt, or argon2id, got`
  if (other !== undefined)
    return new AuthHashError('AUTH_HASH_UNSUPPORTED_SCHEME', `${expected} one ${other}`)
  return new AuthHashError('AUTH_HASH_MALFORMED_HASH', `${expected} ${damage(text)}`)
}

function damage(text: unknown): string {
  if (typeof text !== 'string') return describeKind(text)
  if (text === '') return 'an empty string'
  if (text !== text.trim() && parse(text.trim())) return 'one with white space around it'
  if (/^\$2[aby]\$/.test(text) && text.length !== 60) {
    return `one of bcrypt with ${text.length} characters instead of 60`
  }
  return /^(\$|bcrypt|argon2|\{)/.test(text) ? 'one that is damaged' : 'a string that is not a hash'
}
