import { timingSafeEqual } from 'node:crypto'
import { digest } from './bcrypt.ts'
import type { StoredHash } from './parse.ts'
import type { Forms } from './password.ts'
import { secretOf } from './secret.ts'
import type { Settings } from './settings.ts'

/** Which of a password's forms a stored hash was made from. */
export type Match = 'normal' | 'typed'

/**
 * Compares a password with a stored hash. The work depends only on the password, unless it is right: each of its forms is
 * computed once at the stored cost, which is then made up to what one computation at today's cost takes.
 */
export async function verify(
  [normal, typed]: Forms,
  stored: StoredHash,
  settings: Pick<Settings, 'cost' | 'pepper' | 'legacyTruncate'>,
): Promise<Match | undefined> {
  if (await matches(normal, stored, settings)) return 'normal'
  if (typed !== undefined && (await matches(typed, stored, settings))) return 'typed'
  return undefined
}

async function matches(
  form: string,
  stored: StoredHash,
  settings: Parameters<typeof verify>[2],
): Promise<boolean> {
  const secret = secretOf(form, stored, settings)
  const computed = await digest(secret ?? NOTHING, stored.salt, stored.cost)
  // 2^r, and once more 2^r + 2^(r+1) + … + 2^(c−1), is 2^c.
  for (let cost = stored.cost; cost < settings.cost; cost += 1) await digest(NOTHING, stored.salt, cost)
  return secret !== undefined && timingSafeEqual(Buffer.from(computed), Buffer.from(stored.digest))
}

const NOTHING = Buffer.alloc(0)
