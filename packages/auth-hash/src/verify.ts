import { timingSafeEqual } from 'node:crypto'
import { argon2id } from './argon2.ts'
import { digest } from './bcrypt.ts'
import { bcryptInput } from './bcrypt-input.ts'
import { invalidOption } from './errors.ts'
import type { Argon2Hash, BcryptHash } from './parse.ts'
import type { Forms } from './password.ts'
import type { Row } from './row.ts'
import { argon2Work, readRow } from './row.ts'
import type { Settings } from './settings.ts'

/** The form of a password that a stored hash was made from. */
export type Match = 'normal' | 'typed'

/** The error that a foreign scheme threw. */
export interface Failure {
  readonly cause: unknown
}

export type Verifier = (forms: Forms, row: Row | undefined) => Promise<Match | Failure | undefined>

/**
 * Compares passwords with stored hashes. The work depends only on the password, unless it is right: each of its forms
 * is computed once with each scheme that the table is known to hold. The row's own scheme computes the row, and the
 * others compute a placeholder.
 */
export function createVerifier(settings: Settings): Verifier {
  const placeholders = new Map<unknown, Row>()
  const include = (row: Row) => placeholders.set(workKey(row), placeholderFor(row, settings))
  include(settings.scheme === 'argon2id' ? ARGON2_ROW : BCRYPT_ROW)
  for (const hash of settings.placeholders) {
    const row = readRow(hash, settings.foreign)
    if (row === undefined)
      throw invalidOption('placeholders', 'hashes that can be verified', hash, 'a text that is not one')
    include(row)
  }

  async function compareForm(form: string, row: Row | undefined): Promise<boolean | Failure> {
    let result: boolean | Failure = false
    for (const [key, placeholder] of placeholders) {
      const isRow = row !== undefined && workKey(row) === key
      const computed = await compute(form, isRow ? row : placeholder, settings)
      if (isRow) result = computed
    }
    return result
  }

  return async ([normal, typed], row) => {
    if (row && !placeholders.has(workKey(row))) include(row)
    const first = await compareForm(normal, row)
    if (first === true) return 'normal'
    const second = typed === undefined ? first : await compareForm(typed, row)
    return second === true ? 'typed' : second || undefined
  }
}

/** Rows with the same key are computed by the same function. */
const workKey = (row: Row): unknown => (row.kind === 'foreign' ? row.scheme : row.kind)

const NO_BYTES = Buffer.alloc(0)

const BCRYPT_ROW: Row & { kind: 'bcrypt' } = {
  kind: 'bcrypt',
  stored: {
    scheme: 'bcrypt',
    version: '2b',
    cost: 4,
    salt: '.'.repeat(22),
    digest: '.'.repeat(31),
    keyId: undefined,
  },
}

const ARGON2_ROW: Row & { kind: 'argon2id' } = {
  kind: 'argon2id',
  stored: {
    scheme: 'argon2id',
    version: '19',
    memory: 8,
    passes: 1,
    parallelism: 1,
    salt: 'A'.repeat(22),
    digest: 'A'.repeat(43),
    keyId: undefined,
  },
}

/**
 * A hash as if made today. A foreign scheme's form is not known here, so its placeholder is the first hash that was
 * seen.
 */
function placeholderFor(row: Row, { cost, memory, passes }: Settings): Row {
  switch (row.kind) {
    case 'bcrypt':
      return { kind: 'bcrypt', stored: { ...BCRYPT_ROW.stored, cost } }
    case 'argon2id':
      return { kind: 'argon2id', stored: { ...ARGON2_ROW.stored, memory, passes } }
    case 'foreign':
      return row
  }
}

async function compute(form: string, row: Row, settings: Settings): Promise<boolean | Failure> {
  if (row.kind === 'bcrypt') return computeBcrypt(form, row.stored, settings)
  if (row.kind === 'argon2id') return computeArgon2(form, row.stored, settings)
  try {
    return (await row.scheme.verify(form, row.stored)) === true
  } catch (cause) {
    return { cause }
  }
}

async function computeBcrypt(form: string, stored: BcryptHash, settings: Settings): Promise<boolean> {
  const secret = bcryptInput(form, stored, settings)
  const computed = await digest(secret ?? NO_BYTES, stored.salt, stored.cost)
  // 2^r, and once more 2^r + 2^(r+1) + … + 2^(c−1), is 2^c.
  for (let cost = stored.cost; cost < settings.cost; cost += 1) await digest(NO_BYTES, stored.salt, cost)
  return secret !== undefined && timingSafeEqual(Buffer.from(computed), Buffer.from(stored.digest))
}

async function computeArgon2(form: string, stored: Argon2Hash, settings: Settings): Promise<boolean> {
  const { memory, passes, parallelism, keyId } = stored
  const expected = Buffer.from(stored.digest, 'base64')
  const nonce = Buffer.from(stored.salt, 'base64')
  const secret = keyId === undefined ? undefined : settings.pepper?.keys.get(keyId)
  const input = { message: form, nonce, memory, passes, parallelism, tagLength: expected.length, secret }
  const computed = await argon2id(input)
  // Weaker hashes take as long as today's, as with bcrypt.
  const missing = argon2Work(settings) - argon2Work(stored)
  for (const extra of [
    { memory: settings.memory, passes: Math.floor(missing / settings.memory) },
    { memory: missing % settings.memory, passes: 1 },
  ]) {
    if (extra.passes > 0 && extra.memory >= 8) await argon2id({ ...input, ...extra, parallelism: 1 })
  }
  return (keyId === undefined || secret !== undefined) && timingSafeEqual(computed, expected)
}
