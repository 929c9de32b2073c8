import { AuthHashError, kindOf } from './errors.ts'

/** bcrypt reads no further than this. */
export const BCRYPT_MAX_BYTES = 72

/** In UTF-16 code units, before normalising, whose time grows with the square of the marks on one letter. */
export const MAX_LENGTH = 1024

export type PasswordFault =
  | 'AUTH_HASH_PASSWORD_TOO_LONG'
  | 'AUTH_HASH_PASSWORD_HAS_NUL'
  | 'AUTH_HASH_PASSWORD_NOT_UNICODE'

/**
 * What is wrong with a password whatever it is to be hashed with.
 */
export function faultOf(password: string): PasswordFault | undefined {
  if (password.length > MAX_LENGTH) return 'AUTH_HASH_PASSWORD_TOO_LONG'
  if (password.includes('\0')) return 'AUTH_HASH_PASSWORD_HAS_NUL'
  // A surrogate that is half of a pair does not match here: with `u` the pair is one character.
  if (/\p{Surrogate}/u.test(password)) return 'AUTH_HASH_PASSWORD_NOT_UNICODE'
  return undefined
}

/** The normal form of a password, and the typed one where that differs. */
export type Forms = readonly [normal: string, ...typed: string[]]

/**
 * The normal form (NFC, as RFC 8265 §4.2 has it for passwords) and, where it differs, the form that was typed.
 */
export function formsOf(password: string): Forms {
  if (password.length > MAX_LENGTH) return ['']
  const normal = password.normalize('NFC')
  return normal === password ? [normal] : [normal, password]
}

/** Whether bcrypt is given all of a password, and not its first 72 bytes. */
export function fits(scheme: 'bcrypt' | 'bcrypt-sha256', password: string): boolean {
  return scheme === 'bcrypt-sha256' || Buffer.byteLength(password) <= BCRYPT_MAX_BYTES
}

export function passwordError(fault: PasswordFault): AuthHashError {
  return new AuthHashError(fault, MESSAGES[fault])
}

export function assertString(value: unknown): asserts value is string {
  if (typeof value === 'string') return
  throw new AuthHashError(
    'AUTH_HASH_INVALID_ARGUMENT',
    `Expected \`password\` to be a string, got ${kindOf(value)}`,
  )
}

const MESSAGES: Readonly<Record<PasswordFault, string>> = {
  AUTH_HASH_PASSWORD_TOO_LONG: `Expected a password of at most ${BCRYPT_MAX_BYTES} bytes of UTF-8 (with the scheme bcrypt-sha256: of at most ${MAX_LENGTH} characters), got a longer one`,
  AUTH_HASH_PASSWORD_HAS_NUL: 'Expected a password without NUL characters, got one with NUL',
  AUTH_HASH_PASSWORD_NOT_UNICODE:
    'Expected a password of whole Unicode characters, got one with a lone surrogate',
}
