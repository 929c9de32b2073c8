import type { Argon2Hash, BcryptHash } from './parse.ts'
import { parse, unreadableHash } from './parse.ts'

/** A stored hash, taken apart, with a sentence about each part. */
export type HashInfo = Explained<BcryptHash> | Explained<Argon2Hash>

type Explained<Hash> = Hash & { readonly meaning: { readonly [Part in keyof Hash]: string } }

/**
 * Takes a stored hash apart and explains each part. It does not need bcrypt's binary.
 *
 * The parts reveal nothing that the whole hash does not, but anyone who has the whole hash can guess at the password.
 *
 * @throws {AuthHashError} `AUTH_HASH_MALFORMED_HASH`, `AUTH_HASH_UNSUPPORTED_SCHEME`
 */
export function explain(hash: string): HashInfo {
  const stored = parse(hash)
  if (stored === undefined) throw unreadableHash(hash)
  return stored.scheme === 'argon2id' ? explainArgon2(stored) : explainBcrypt(stored)
}

function explainBcrypt(stored: BcryptHash): HashInfo {
  const { scheme, version, cost, keyId } = stored
  return {
    ...stored,
    meaning: {
      scheme: SCHEMES[scheme],
      version: VERSIONS[version],
      cost: `bcrypt ran 2^${cost} = ${(2 ** cost).toLocaleString('en')} rounds; one more doubles the work, for a login and for each guess.`,
      salt: SALT,
      digest: `184 bits computed from password, salt and cost. ${NO_WAY_BACK}`,
      keyId: explainKey(keyId),
    },
  }
}

function explainArgon2(stored: Argon2Hash): HashInfo {
  const { memory, passes, parallelism, keyId } = stored
  return {
    ...stored,
    meaning: {
      scheme: 'Argon2id, which takes memory as well as time.',
      version: 'Version 1.3, of 2016.',
      memory: `It filled ${memory.toLocaleString('en')} KiB of memory, which makes guessing on graphics cards expensive.`,
      passes: `It went through that memory ${passes} times; twice as many double the work.`,
      parallelism: `The memory has ${parallelism} lanes, which can be computed at the same time.`,
      salt: SALT,
      digest: `Computed from the password and all of the above. ${NO_WAY_BACK}`,
      keyId: explainKey(keyId),
    },
  }
}

const SALT =
  'Random bits that are not secret: they make equal passwords have different hashes, so each must be guessed on its own.'
const NO_WAY_BACK = 'There is no way back; a login is checked by computing it again.'

function explainKey(keyId: string | undefined): string {
  return keyId === undefined
    ? 'No pepper: the stored hash is all that is needed to check a guess.'
    : 'The id of the secret key (pepper) that was used, too: without that key no guess can be checked.'
}

const SCHEMES: Readonly<Record<BcryptHash['scheme'], string>> = {
  bcrypt: 'bcrypt was given the password itself, of at most 72 bytes.',
  'bcrypt-sha256':
    "bcrypt was given an HMAC-SHA-256 of the password, keyed with the salt, in base64, so all of a long password counts: passlib's version 2.",
  'bcrypt-sha256-v1':
    "bcrypt was given the SHA-256 of the password in base64: passlib's version 1, which does not protect a password whose SHA-256 is known from elsewhere.",
  django: "bcrypt was given the SHA-256 of the password in hexadecimal: Django's BCryptSHA256PasswordHasher.",
  wordpress: 'bcrypt was given an HMAC-SHA-384 of the password in base64: WordPress 6.8 and later.',
}

const VERSIONS: Readonly<Record<BcryptHash['version'], string>> = {
  '2a': 'The version of 1999; some writers of it had faults with long or non-ASCII passwords, which 2b tells apart.',
  '2b': 'The version of 2014, which today’s implementations write.',
  '2y': 'The version that PHP writes; it is computed like 2b.',
}
