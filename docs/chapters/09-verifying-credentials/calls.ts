import { createRequire } from 'node:module'

type Bcrypt = Record<string, (data: unknown, saltOrHash: unknown, ...rest: unknown[]) => unknown>

/** A call of one of bcrypt's functions. */
export interface Call {
  readonly data: string
  /** The cost itself, a salt, or a hash. */
  readonly saltOrHash: string
  readonly rounds: number
}

/**
 * Returns a list to which every call of bcrypt is added. Call it before any module imports bcrypt: an import binds the
 * functions, and later changes to them have no effect.
 */
export function recordCalls(): Call[] {
  const bcrypt: Bcrypt = createRequire(import.meta.url)('bcrypt')
  const calls: Call[] = []
  for (const name of ['hash', 'hashSync', 'compare', 'compareSync']) {
    const original = bcrypt[name]
    if (original === undefined) continue
    bcrypt[name] = (data, saltOrHash, ...rest) => {
      calls.push({ data: `${data}`, saltOrHash: `${saltOrHash}`, rounds: 2 ** costOf(saltOrHash) })
      return original(data, saltOrHash, ...rest)
    }
  }
  return calls
}

/** Returns the cost, given the cost itself, a salt or a hash. */
function costOf(saltOrHash: unknown): number {
  return Number(/^\$2.?\$(\d\d)/.exec(`${saltOrHash}`)?.[1] ?? saltOrHash) || 0
}
