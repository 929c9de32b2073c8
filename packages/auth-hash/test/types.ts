/** Checked by `tsc` and never run: each line marked with `@ts-expect-error` is a mistake that must not compile. */
import fastify from 'fastify'
import authHash from '../src/fastify.ts'
import type {
  ForeignScheme,
  Hasher,
  HasherOptions,
  HashText,
  Reason,
  StoredHash,
  Verdict,
} from '../src/index.ts'
import {
  calibrate,
  compare,
  createHasher,
  type explain,
  hash,
  needsRehash,
  type OverloadedError,
} from '../src/index.ts'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<A, B>(_: Equal<A, B>): void {}

export async function verify(hasher: Hasher, password: string, stored: string | null | undefined) {
  await hasher.verify({ password, hash: stored })
  await hasher.verify({ password, hash: null, signal: new AbortController().signal })
  // @ts-expect-error the hash is missing
  await hasher.verify({ password })
  // @ts-expect-error the password is missing
  await hasher.verify({ hash: stored })
  // @ts-expect-error by position, where they might be swapped
  await hasher.verify(password, stored)
  // @ts-expect-error a password is a string
  await hasher.verify({ password: 12, hash: stored })
  // @ts-expect-error there is no such member
  await hasher.verify({ password, hash: stored, pasword: 'typo' })
  // @ts-expect-error a hash is a string
  await hasher.verify({ password, hash: Buffer.from('') })
}

export function judge(verdict: Verdict) {
  // @ts-expect-error there is no reason before ok is looked at
  verdict.reason
  // @ts-expect-error nor is there a needsRehash
  verdict.needsRehash
  if (verdict.ok) {
    same<typeof verdict.needsRehash, boolean>(true)
    // @ts-expect-error a right password has no reason
    verdict.reason
  } else {
    same<typeof verdict.reason, Reason>(true)
    // @ts-expect-error a wrong password has no needsRehash
    verdict.needsRehash
    // @ts-expect-error there is no such reason
    verdict.reason === 'typo'
  }
  // @ts-expect-error a verdict does not change
  verdict.ok = true
}

export async function pair(password: string, stored: string | null) {
  same<Awaited<ReturnType<typeof hash>>, HashText>(true)
  await compare(password, stored)
  await compare('password', await hash('password'))
  // @ts-expect-error the hash is missing
  await compare(password)
  // @ts-expect-error swapped
  await compare(await hash(password), password)
  // @ts-expect-error swapped
  await compare('$2b$12$zQ4CooEXdGqcwi0PHsgc8eAf0DLXE/XHoBE8kCSGQ97rXwuClaPam', password)
  // @ts-expect-error bcrypt's rounds are an option of createHasher
  await hash(password, 12)
}

export function save(hasher: Hasher, password: string) {
  return hasher.verify({
    password,
    hash: null,
    async save(next, previous) {
      same<typeof next, HashText>(true)
      same<typeof previous, string>(true)
    },
  })
}

export async function saveReturns(hasher: Hasher, pg: { query(sql: string): Promise<{ rowCount: number }> }) {
  await hasher.verify({ password: 'a', hash: null, save: () => pg.query('UPDATE') })
  await hasher.verify({ password: 'a', hash: null, save: () => 1 })
  await hasher.verify({ password: 'a', hash: null, save: () => {} })
  const toNumber = (_next: string, previous: number) => previous
  // @ts-expect-error save is called with two hashes
  await hasher.verify({ password: 'a', hash: null, save: toNumber })
}

export function otherSystems(hasher: Hasher, foreign: ForeignScheme) {
  createHasher({ foreign: [foreign], placeholders: ['x'], scheme: 'argon2id', memory: 19_456, passes: 2 })
  same<ReturnType<typeof hasher.needsRehash>, boolean>(true)
  needsRehash(null)
  // @ts-expect-error a function that verifies is missing
  createHasher({ foreign: [{ matches: () => true }] })
  // @ts-expect-error it returns a boolean
  createHasher({ foreign: [{ matches: () => true, verify: () => 'yes' }] })
  // @ts-expect-error a promise is truthy, so everything would match
  createHasher({ foreign: [{ matches: async () => false, verify: () => true }] })
}

export function explained(info: ReturnType<typeof explain>) {
  if (info.scheme === 'argon2id') {
    same<typeof info.memory, number>(true)
    // @ts-expect-error Argon2id has no cost
    info.cost.toFixed()
  } else {
    same<typeof info.cost, number>(true)
    // @ts-expect-error bcrypt has no memory
    info.memory
  }
}

export function options(key: Uint8Array) {
  createHasher()
  createHasher({ cost: 12, scheme: 'bcrypt-sha256', pepper: { current: 'a', keys: { a: key } } })
  // @ts-expect-error a cost is a number
  createHasher({ cost: '12' })
  // @ts-expect-error there is no such scheme
  createHasher({ scheme: 'sha256' })
  // @ts-expect-error there is no such option
  createHasher({ rounds: 12 })
  // @ts-expect-error a key is bytes: a string may be of any encoding
  createHasher({ pepper: { current: 'a', keys: { a: 'secret' } } })
  // @ts-expect-error options do not change
  const change = (given: HasherOptions) => (given.cost = 4)
  return change
}

export function stats(hasher: Hasher) {
  same<typeof hasher.stats.waiting, number>(true)
  // @ts-expect-error stats are read
  hasher.stats.waiting = 0
}

export async function others() {
  same<Awaited<ReturnType<typeof calibrate>>, number>(true)
  // @ts-expect-error the unit is in the name
  await calibrate({ target: 250 })
  same<ReturnType<typeof explain>['version'], StoredHash['version']>(true)
  same<OverloadedError['code'], 'AUTH_HASH_OVERLOADED'>(true)
}

export async function plugin() {
  const app = fastify()
  await app.register(authHash, { cost: 12 })
  same<typeof app.hasher, Hasher>(true)
  // @ts-expect-error a cost is a number
  await app.register(authHash, { cost: '12' })
  // @ts-expect-error the decorator is not replaced
  app.hasher = createHasher()
}
