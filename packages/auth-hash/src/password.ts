import { AuthHashError, describeKind } from './errors.ts'
import type { Scheme } from './options.ts'

/** bcrypt ignores what follows. */
export const BCRYPT_MAX_BYTES = 72

/**
 * The limit in UTF-16 code units before normalization, whose time grows with the square of the number of marks on one letter.
 */
export const MAX_LENGTH = 1024

export type PasswordFault =
  | 'AUTH_HASH_PASSWORD_TOO_LONG'
  | 'AUTH_HASH_PASSWORD_HAS_NUL'
  | 'AUTH_HASH_PASSWORD_NOT_UNICODE'

/**
 * Returns what is wrong with a password, whatever its scheme; undefined if nothing is.
 */
export function findFault(password: string): PasswordFault | undefined {
  if (password.length > MAX_LENGTH) return 'AUTH_HASH_PASSWORD_TOO_LONG'
  if (password.includes('\0')) return 'AUTH_HASH_PASSWORD_HAS_NUL'
  // With `u` a pair is one character, so only a lone surrogate matches.
  if (/\p{Surrogate}/u.test(password)) return 'AUTH_HASH_PASSWORD_NOT_UNICODE'
  return undefined
}

/** The normal form of a password, and the typed one if it differs. */
export type Forms = readonly [normal: string, ...typed: string[]]

/**
 * Returns the normal form (NFC, as RFC 8265 §4.2 requires for passwords) and, if it differs, the form that was typed.
 */
export function passwordForms(password: string): Forms {
  if (password.length > MAX_LENGTH) return ['']
  const normal = password.normalize('NFC')
  return normal === password ? [normal] : [normal, password]
}

/** Returns true if a scheme takes all of a password, and not only its first 72 bytes. */
export function fits(scheme: Scheme, password: string): boolean {
  return scheme !== 'bcrypt' || Buffer.byteLength(password) <= BCRYPT_MAX_BYTES
}

export function passwordError(fault: PasswordFault): AuthHashError {
  return new AuthHashError(fault, MESSAGES[fault])
}

export function assertString(value: unknown): asserts value is string {
  if (typeof value === 'string') return
  throw new AuthHashError(
    'AUTH_HASH_INVALID_ARGUMENT',
    `Expected \`password\` to be a string, got ${describeKind(value)}`,
  )
}

const MESSAGES: Readonly<Record<PasswordFault, string>> = {
  AUTH_HASH_PASSWORD_TOO_LONG: `Expected a password of at most ${BCRYPT_MAX_BYTES} bytes of UTF-8 (with the schemes bcrypt-sha256 and argon2id: of at most ${MAX_LENGTH} characters), got a longer one`,
  AUTH_HASH_PASSWORD_HAS_NUL: 'Expected a password without NUL characters, got one with NUL',
  AUTH_HASH_PASSWORD_NOT_UNICODE:
    'Expected a password of whole Unicode characters, got one with a lone surrogate',
}
