import { createHash, createHmac } from 'node:crypto'
import type { BcryptHash } from './parse.ts'
import { BCRYPT_MAX_BYTES } from './password.ts'
import type { Settings } from './settings.ts'

/** The settings that determine which bytes bcrypt gets for a password. */
export type Recipe = Pick<BcryptHash, 'scheme' | 'salt' | 'keyId'>

/**
 * Returns the bytes that bcrypt is given; undefined if the scheme cannot take the password or the pepper is not known.
 */
export function bcryptInput(
  password: string,
  { scheme, salt, keyId }: Recipe,
  { pepper, legacyTruncate }: Pick<Settings, 'pepper' | 'legacyTruncate'>,
): Buffer | undefined {
  const bytes = Buffer.from(password, 'utf8')
  switch (scheme) {
    case 'bcrypt':
      if (bytes.length <= BCRYPT_MAX_BYTES) return bytes
      return legacyTruncate ? bytes.subarray(0, BCRYPT_MAX_BYTES) : undefined
    case 'bcrypt-sha256': {
      const key = keyId === undefined ? undefined : pepper?.keys.get(keyId)
      if (keyId !== undefined && key === undefined) return undefined
      const peppered = key === undefined ? bytes : createHmac('sha256', key).update(bytes).digest()
      return Buffer.from(createHmac('sha256', salt).update(peppered).digest('base64'))
    }
    case 'bcrypt-sha256-v1':
      return Buffer.from(createHash('sha256').update(bytes).digest('base64'))
    case 'django':
      return Buffer.from(createHash('sha256').update(bytes).digest('hex'))
    case 'wordpress':
      // WordPress cuts off PHP's white space; NUL, which is part of that, is not accepted here at all.
      return Buffer.from(
        createHmac('sha384', 'wp-sha384')
          .update(password.replace(/^[ \t\n\r\v]+|[ \t\n\r\v]+$/g, ''))
          .digest('base64'),
      )
  }
}
