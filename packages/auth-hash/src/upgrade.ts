import { fits } from './password.ts'
import type { Row } from './row.ts'
import { argon2Work } from './row.ts'
import type { Settings } from './settings.ts'
import type { Match } from './verify.ts'

/** The settings of a new hash. */
export type Spec = BcryptSpec | Argon2Spec

export interface BcryptSpec {
  readonly scheme: 'bcrypt' | 'bcrypt-sha256'
  readonly cost: number
  readonly keyId: string | undefined
}

export interface Argon2Spec {
  readonly scheme: 'argon2id'
  readonly memory: number
  readonly passes: number
  readonly keyId: string | undefined
}

/** The settings with which `hash` makes a hash. */
export function currentSpec({ scheme, cost, memory, passes, pepper }: Settings): Spec {
  const keyId = pepper?.current
  return scheme === 'argon2id' ? { scheme, memory, passes, keyId } : { scheme, cost, keyId }
}

/** The facts about a stored hash that only a login shows. */
export interface Login {
  readonly normal: string
  readonly match: Match
}

/**
 * Returns how to make a better hash than the stored one; undefined if the stored one is good enough. The result is
 * never weaker within one scheme: a higher cost stays, and bcrypt-sha256 does not become bcrypt.
 */
export function upgradeSpec(row: Row, settings: Settings, login?: Login): Spec | undefined {
  const spec = raise(row, currentSpec(settings))
  if (isSame(row, spec) && login?.match !== 'typed') return undefined
  if (spec.scheme !== 'bcrypt' || login === undefined || fits('bcrypt', login.normal)) return spec
  // bcrypt cannot take all of the password. If the old hash ignored what follows byte 72, the new one does so, too. If not,
  // all of it has to count.
  const ignoredTheRest = row.kind === 'bcrypt' && row.stored.scheme === 'bcrypt' && login.match === 'normal'
  return ignoredTheRest ? spec : { ...spec, scheme: 'bcrypt-sha256' }
}

function raise({ kind, stored }: Row, current: Spec): Spec {
  if (kind === 'bcrypt' && current.scheme !== 'argon2id') {
    const scheme = stored.scheme === 'bcrypt-sha256' ? stored.scheme : current.scheme
    return { ...current, scheme, cost: Math.max(stored.cost, current.cost) }
  }
  if (kind === 'argon2id' && current.scheme === 'argon2id' && argon2Work(stored) > argon2Work(current)) {
    return { ...current, memory: stored.memory, passes: stored.passes }
  }
  return current
}

function isSame({ kind, stored }: Row, spec: Spec): boolean {
  if (kind === 'foreign' || stored.scheme !== spec.scheme || stored.keyId !== spec.keyId) return false
  return kind === 'bcrypt'
    ? stored.cost === (spec as BcryptSpec).cost
    : argon2Work(stored) === argon2Work(spec as Argon2Spec)
}
