import { createRequire } from 'node:module'

type Bcrypt = Record<string, (data: unknown, saltOrHash: unknown, ...rest: unknown[]) => unknown>

/**
 * Returns a function that returns the number of bcrypt rounds computed since. Call it before any module imports bcrypt:
 * an import binds the functions, and later changes to them have no effect.
 */
export function countRounds(): () => number {
  const bcrypt: Bcrypt = createRequire(import.meta.url)('bcrypt')
  let rounds = 0
  for (const name of ['hash', 'hashSync', 'compare', 'compareSync']) {
    const original = bcrypt[name]
    if (original === undefined) continue
    bcrypt[name] = (data, saltOrHash, ...rest) => {
      rounds += 2 ** costOf(saltOrHash)
      return original(data, saltOrHash, ...rest)
    }
  }
  return () => rounds
}

/** Returns the cost, given the cost itself, a salt or a hash. */
function costOf(saltOrHash: unknown): number {
  return Number(/^\$2.?\$(\d\d)/.exec(`${saltOrHash}`)?.[1] ?? saltOrHash) || 0
}
