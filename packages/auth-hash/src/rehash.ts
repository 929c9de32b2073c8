import type { StoredHash } from './parse.ts'
import { fits } from './password.ts'
import type { Recipe } from './secret.ts'
import type { Settings } from './settings.ts'
import type { Match } from './verify.ts'

/** How a new hash is to be made. */
export interface Target extends Omit<Recipe, 'salt'> {
  readonly scheme: 'bcrypt' | 'bcrypt-sha256'
  readonly cost: number
}

/** What `hash` makes. */
export function targetOf({ scheme, cost, pepper }: Pick<Settings, 'scheme' | 'cost' | 'pepper'>): Target {
  return { scheme, cost, keyId: pepper?.current }
}

/**
 * How to make something better than the stored hash, where that is due. Never something weaker: a higher cost stays,
 * and so does bcrypt-sha256.
 */
export function rehashOf(
  normal: string,
  { stored, match }: { readonly stored: StoredHash; readonly match: Match },
  settings: Pick<Settings, 'scheme' | 'cost' | 'pepper'>,
): Target | undefined {
  const today = targetOf(settings)
  const target: Target = {
    ...today,
    scheme: stored.scheme === 'bcrypt-sha256' ? stored.scheme : today.scheme,
    cost: Math.max(stored.cost, today.cost),
  }
  const due =
    stored.cost < target.cost ||
    stored.scheme !== target.scheme ||
    stored.keyId !== target.keyId ||
    match === 'typed'
  return due && fits(target.scheme, normal) ? target : undefined
}
