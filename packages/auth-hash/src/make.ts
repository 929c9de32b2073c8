import { digest, randomSalt, twoDigits } from './bcrypt.ts'
import type { HashText } from './hasher.ts'
import type { Target } from './rehash.ts'
import { secretOf } from './secret.ts'
import type { Settings } from './settings.ts'

/** Hashes a password that is known to fit. */
export async function make(
  normal: string,
  { scheme, cost, keyId }: Target,
  settings: Pick<Settings, 'pepper'>,
): Promise<HashText> {
  const salt = randomSalt()
  // It fits, and the key is among the settings' own: there is a secret.
  const secret = secretOf(normal, { scheme, salt, keyId }, { ...settings, legacyTruncate: false }) as Buffer
  const computed = await digest(secret, salt, cost)
  if (scheme === 'bcrypt') return `$2b$${twoDigits(cost)}$${salt}${computed}`
  const key = keyId === undefined ? '' : `,keyid=${keyId}`
  return `$bcrypt-sha256$v=2,t=2b,r=${cost}${key}$${salt}$${computed}`
}
