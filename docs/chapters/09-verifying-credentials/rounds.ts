import { createRequire } from 'node:module'

type Bcrypt = Record<string, (data: unknown, saltOrHash: unknown, ...rest: unknown[]) => unknown>

/**
 * Counts the rounds that bcrypt is told to compute from now on, whoever tells it. To be called before anything imports
 * bcrypt: names that are imported from it are taken then.
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

/** Of a number of rounds, of a salt or of a hash. */
function costOf(saltOrHash: unknown): number {
  return Number(/^\$2.?\$(\d\d)/.exec(`${saltOrHash}`)?.[1] ?? saltOrHash) || 0
}
