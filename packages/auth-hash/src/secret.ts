import { createHash, createHmac } from 'node:crypto'
import type { StoredHash } from './parse.ts'
import { BCRYPT_MAX_BYTES } from './password.ts'
import type { Settings } from './settings.ts'

/** What tells how a password becomes the bytes that bcrypt is given. */
export type Recipe = Pick<StoredHash, 'scheme' | 'salt' | 'keyId'>

/**
 * The bytes that bcrypt is given, or undefined where the scheme cannot take the password or the pepper is not known.
 */
export function secretOf(
  password: string,
  { scheme, salt, keyId }: Recipe,
  { pepper, legacyTruncate }: Pick<Settings, 'pepper' | 'legacyTruncate'>,
): Buffer | undefined {
  const bytes = Buffer.from(password, 'utf8')
  if (scheme === 'django') return Buffer.from(createHash('sha256').update(bytes).digest('hex'))
  if (scheme === 'bcrypt-sha256') {
    if (keyId === undefined) return Buffer.from(createHmac('sha256', salt).update(bytes).digest('base64'))
    const key = pepper?.keys.get(keyId)
    if (key === undefined) return undefined
    const peppered = createHmac('sha256', key).update(bytes).digest()
    return Buffer.from(createHmac('sha256', salt).update(peppered).digest('base64'))
  }
  if (bytes.length <= BCRYPT_MAX_BYTES) return bytes
  return legacyTruncate ? bytes.subarray(0, BCRYPT_MAX_BYTES) : undefined
}
