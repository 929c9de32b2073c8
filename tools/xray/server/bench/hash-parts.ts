import { explain } from '@auth-primer/auth-hash'
import { Type } from '@sinclair/typebox'

/** So much of a digest is shown: enough to see that two differ. The rest stays here, so that no hash is ever sent. */
const SHOWN = 6

/** What the page is shown of a hash. */
export const HashParts = Type.Object({
  version: Type.String(),
  cost: Type.Integer(),
  salt: Type.String(),
  digest: Type.String({ maxLength: SHOWN }),
  /** How many characters of the digest are kept back. */
  kept: Type.Integer(),
})

export function partsOf(hash: string): typeof HashParts.static {
  const { version, cost, salt, digest } = explain(hash)
  return { version, cost, salt, digest: digest.slice(0, SHOWN), kept: digest.length - SHOWN }
}
