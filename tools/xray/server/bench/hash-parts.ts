import { explain } from '@auth-primer/auth-hash'
import { Type } from '@sinclair/typebox'

/** Enough of a digest to see that two differ. The rest is never sent. */
const SHOWN = 6

/** The parts of a hash that the page gets. */
export const HashParts = Type.Object({
  version: Type.String(),
  cost: Type.Integer(),
  salt: Type.String(),
  digest: Type.String({ maxLength: SHOWN }),
  /** How many characters of the digest are left out. */
  kept: Type.Integer(),
})

export function splitHash(hash: string): typeof HashParts.static {
  const parts = explain(hash)
  if (parts.scheme === 'argon2id') throw new TypeError('Expected a hash of bcrypt, which the bench makes')
  const { version, cost, salt, digest } = parts
  return { version, cost, salt, digest: digest.slice(0, SHOWN), kept: digest.length - SHOWN }
}
