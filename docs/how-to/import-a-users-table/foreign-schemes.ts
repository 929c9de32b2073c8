import { createHash, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { ForeignScheme } from '@auth-primer/auth-hash'
import bcrypt from 'bcrypt'

// #region django
/** Django's default. */
export const djangoPbkdf2: ForeignScheme = {
  matches: (hash) => /^pbkdf2_sha256\$\d{1,7}\$[^$]+\$[^$]{44}$/.test(hash),
  async verify(password, hash) {
    const [, iterations, salt = '', digest = ''] = hash.split('$')
    const computed = await promisify(pbkdf2)(password, salt, Number(iterations), 32, 'sha256')
    return timingSafeEqual(computed, Buffer.from(digest, 'base64'))
  },
}
// #endregion

// #region devise
/** Rails with Devise, which appends a secret pepper to the password. */
export function devise(pepper: string): ForeignScheme {
  return {
    matches: (hash) => hash.startsWith('$2a$'),
    verify: (password, hash) => bcrypt.compare(password + pepper, hash),
  }
}
// #endregion

// #region phpass
const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** WordPress before 6.8: MD5, 8,192 times. */
export const phpass: ForeignScheme = {
  matches: (hash) => /^\$P\$[5-9A-F][./0-9A-Za-z]{30}$/.test(hash),
  verify(password, hash) {
    const bytes = Buffer.from(password.trim())
    const md5 = (start: Buffer) => createHash('md5').update(start).update(bytes).digest()
    const rounds = 2 ** ALPHABET.indexOf(hash.charAt(3))
    let digest = md5(Buffer.from(hash.slice(4, 12)))
    for (let round = 0; round < rounds; round += 1) digest = md5(digest)
    return hash.slice(12) === encode(digest)
  },
}

function encode(digest: Buffer): string {
  let text = ''
  for (let at = 0; at < digest.length; at += 3) {
    const chunk = digest.subarray(at, at + 3)
    const value = chunk.readUIntLE(0, chunk.length)
    for (let bits = 0; bits < chunk.length * 8; bits += 6) text += ALPHABET.charAt((value >> bits) & 63)
  }
  return text
}
// #endregion
