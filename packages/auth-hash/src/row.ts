import { hasArgon2 } from './argon2.ts'
import type { ForeignScheme } from './options.ts'
import type { Argon2Hash, BcryptHash } from './parse.ts'
import { parse } from './parse.ts'
import type { Settings } from './settings.ts'

/** A stored hash together with what can compute it. */
export type Row =
  | { readonly kind: 'bcrypt'; readonly stored: BcryptHash }
  | { readonly kind: 'argon2id'; readonly stored: Argon2Hash }
  | { readonly kind: 'foreign'; readonly stored: string; readonly scheme: ForeignScheme }

/**
 * A stored hash of Argon2id is refused above this product of memory in KiB and passes: a gigabyte once. That takes
 * about as long as bcrypt at a cost of 15.
 */
const MAX_ARGON2_WORK = 2 ** 20

/** Returns undefined if there is no hash, or nothing here can compute it. */
export function readRow(hash: unknown, foreign: readonly ForeignScheme[]): Row | undefined {
  if (typeof hash !== 'string') return undefined
  // An `async matches` returns a promise, which must not match everything.
  const scheme = foreign.find((one) => one.matches(hash) === true)
  if (scheme) return { kind: 'foreign', stored: hash, scheme }
  const stored = parse(hash)
  if (stored?.scheme !== 'argon2id') return stored && { kind: 'bcrypt', stored }
  return hasArgon2 ? { kind: 'argon2id', stored } : undefined
}

export function isTooCostly({ kind, stored }: Row, settings: Settings): boolean {
  if (kind === 'bcrypt') return stored.cost > settings.maxCost
  return kind === 'argon2id' && argon2Work(stored) > Math.max(MAX_ARGON2_WORK, argon2Work(settings))
}

/** The cost of Argon2 in time: how many KiB it goes through. */
export function argon2Work({ memory, passes }: { readonly memory: number; readonly passes: number }): number {
  return memory * passes
}
