import { AuthHashError, kindOf } from './errors.ts'
import type { StoredHash } from './parse.ts'
import { parse } from './parse.ts'

/** What a stored hash says of itself. */
export interface HashInfo extends StoredHash {
  /** A sentence on each part. */
  readonly meaning: Readonly<Record<'scheme' | 'version' | 'cost' | 'salt' | 'digest' | 'keyId', string>>
}

/**
 * Takes a stored hash apart and says what each part means. None of it is secret except from one who would guess the
 * password: that needs the whole hash, and this tells nothing that the hash does not.
 *
 * @throws {AuthHashError} `AUTH_HASH_MALFORMED_HASH`
 */
export function explain(hash: string): HashInfo {
  const stored = parse(hash)
  if (stored === undefined) {
    throw new AuthHashError(
      'AUTH_HASH_MALFORMED_HASH',
      `Expected a hash of bcrypt ($2a$, $2b$, $2y$), of bcrypt-sha256 or of Django, got ${whatCame(hash)}`,
    )
  }
  const { scheme, version, cost, keyId } = stored
  return {
    ...stored,
    meaning: {
      scheme: SCHEMES[scheme],
      version: VERSIONS[version],
      cost: `bcrypt went through 2^${cost} = ${(2 ** cost).toLocaleString('en')} rounds; one more in the cost doubles the work, for the log-in and for who guesses.`,
      salt: '128 random bits that stand in the open: they make equal passwords have different hashes, so that each must be guessed on its own.',
      digest:
        '184 bits computed from password, salt and cost. There is no way back; a log-in is checked by computing it once more.',
      keyId:
        keyId === undefined
          ? 'No pepper: what is stored is all that is needed to check a guess.'
          : 'The id of the secret key (pepper) that went in too: without that key no guess can be checked.',
    },
  }
}

const SCHEMES: Readonly<Record<StoredHash['scheme'], string>> = {
  bcrypt: 'bcrypt was given the password itself, of at most 72 bytes.',
  'bcrypt-sha256':
    "bcrypt was given an HMAC-SHA-256 of the password under the salt, in base64, so that long passwords count whole: passlib's version 2.",
  django: "bcrypt was given the SHA-256 of the password in hexadecimal: Django's BCryptSHA256PasswordHasher.",
}

const VERSIONS: Readonly<Record<StoredHash['version'], string>> = {
  '2a': 'The version of 1999; some writers of it had faults with long or non-ASCII passwords, which 2b tells apart.',
  '2b': 'The version of 2014, which today’s implementations write.',
  '2y': 'What PHP writes; computed as 2b is.',
}

function whatCame(hash: unknown): string {
  if (typeof hash !== 'string') return kindOf(hash)
  if (hash.startsWith('$2x$')) return 'one of version 2x, which marks hashes of a faulty implementation'
  if (hash.startsWith('$2$')) return 'one of version 2, the first, which nobody writes any more'
  if (/^\$2[aby]\$/.test(hash) && hash.length !== 60) {
    return `one of ${hash.length} characters where bcrypt's have 60`
  }
  return 'a string of another kind'
}
