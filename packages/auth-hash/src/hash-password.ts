import { randomBytes } from 'node:crypto'
import { argon2id, toPhcBase64 } from './argon2.ts'
import { digest, randomSalt, twoDigits } from './bcrypt.ts'
import { bcryptInput } from './bcrypt-input.ts'
import type { HashText } from './hasher.ts'
import type { Settings } from './settings.ts'
import type { Argon2Spec, BcryptSpec, Spec } from './upgrade.ts'

/** Hashes a password that is known to fit, with a key that is known. */
export async function hashPassword(
  normal: string,
  spec: Spec,
  settings: Pick<Settings, 'pepper'>,
): Promise<HashText> {
  return spec.scheme === 'argon2id'
    ? hashWithArgon2(normal, spec, settings)
    : hashWithBcrypt(normal, spec, settings)
}

async function hashWithBcrypt(
  normal: string,
  { scheme, cost, keyId }: BcryptSpec,
  { pepper }: Pick<Settings, 'pepper'>,
): Promise<HashText> {
  const salt = randomSalt()
  // Only a hash that replaces a truncated one is given more than 72 bytes, and the key is one of the settings': there are
  // always bytes.
  const secret = bcryptInput(normal, { scheme, salt, keyId }, { pepper, legacyTruncate: true }) as Buffer
  const computed = await digest(secret, salt, cost)
  if (scheme === 'bcrypt') return `$2b$${twoDigits(cost)}$${salt}${computed}`
  return `$bcrypt-sha256$v=2,t=2b,r=${cost}${keyParameter(keyId)}$${salt}$${computed}`
}

async function hashWithArgon2(
  message: string,
  { memory, passes, keyId }: Argon2Spec,
  { pepper }: Pick<Settings, 'pepper'>,
): Promise<HashText> {
  const nonce = randomBytes(16)
  const secret = keyId === undefined ? undefined : pepper?.keys.get(keyId)
  const tag = await argon2id({ message, nonce, memory, passes, parallelism: 1, tagLength: 32, secret })
  const parameters = `m=${memory},t=${passes},p=1${keyParameter(keyId)}`
  return `$argon2id$v=19$${parameters}$${toPhcBase64(nonce)}$${toPhcBase64(tag)}`
}

const keyParameter = (keyId: string | undefined) => (keyId === undefined ? '' : `,keyid=${keyId}`)
