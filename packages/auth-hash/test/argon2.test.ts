/** Needs Node.js 24.7; the system tests run this file with it if the tests themselves run on an older one. */
import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import bcrypt from 'bcrypt'
import t from 'tap'
import { hasArgon2 } from '../src/argon2.ts'
import { createHasher } from '../src/create-hasher.ts'
import { explain } from '../src/explain.ts'
import { ARGON2_VECTORS, LONG_PASSWORD, OTHER_SCHEMES, PASSWORD } from './vectors.ts'

const skip = hasArgon2 ? false : 'needs Node.js 24.7'
const LOW = { cost: 4, memory: 64, passes: 2, unsafeLowCost: true } as const
const ARGON2 = { ...LOW, scheme: 'argon2id' } as const
const OWASP = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/

interface Work {
  readonly cost?: number
  readonly memory?: number
  readonly passes?: number
}

/** Returns the rounds of bcrypt, and the KiB that Argon2 went through. */
async function countWork(run: () => Promise<unknown>) {
  const sum = { rounds: 0, kib: 0 }
  const count = (message: unknown) => {
    const { cost, memory = 0, passes = 0 } = message as Work
    if (cost !== undefined) sum.rounds += 2 ** cost
    sum.kib += memory * passes
  }
  subscribe('auth-primer:auth-hash:compute', count)
  await run().finally(() => unsubscribe('auth-primer:auth-hash:compute', count))
  return sum
}

async function upgrade(hasher: ReturnType<typeof createHasher>, password: string, hash: string) {
  const saved: string[] = []
  const verdict = await hasher.verify({ password, hash, save: (next) => saved.push(next) })
  return { verdict, next: saved[0] ?? '' }
}

t.test(
  'without crypto.argon2 a clear error names the version that is needed',
  { skip: hasArgon2 && 'it is there' },
  async (t) => {
    t.throws(() => createHasher({ scheme: 'argon2id' }), {
      code: 'AUTH_HASH_ARGON2_UNAVAILABLE',
      message: /Node\.js 24\.7 or later.*, got v\d/,
    })
    const [hash, password] = ARGON2_VECTORS.php
    t.strictSame(await createHasher(LOW).verify({ password, hash }), {
      ok: false,
      reason: 'unsupported-scheme',
    })
    const foreign = [{ matches: (text: string) => text.startsWith('$argon2'), verify: () => true }]
    t.match(await createHasher({ ...LOW, foreign }).verify({ password, hash }), { ok: true }, 'a library can')
  },
)

t.test('argon2id has OWASP’s parameters, unless it is told otherwise', { skip }, async (t) => {
  const hasher = createHasher({ scheme: 'argon2id' })
  const hash = await hasher.hash(PASSWORD)
  t.match(hash, OWASP)
  t.strictSame(await hasher.verify({ password: PASSWORD, hash }), { ok: true, needsRehash: false })
  t.strictSame(await hasher.verify({ password: `${PASSWORD}!`, hash }), {
    ok: false,
    reason: 'wrong-password',
  })
  t.not(await hasher.hash(PASSWORD), hash)
  t.match(
    await createHasher({ scheme: 'argon2id', memory: 20_000, passes: 3 }).hash('pw'),
    '$m=20000,t=3,p=1$',
  )
  for (const options of [{ memory: 19_455 }, { passes: 1 }, { memory: 2 ** 21 }, { passes: 65 }]) {
    t.throws(() => createHasher({ scheme: 'argon2id', ...options }), { code: 'AUTH_HASH_INVALID_OPTION' })
  }
})

t.test('all of a long password counts', { skip }, async (t) => {
  const hasher = createHasher(ARGON2)
  const hash = await hasher.hash(LONG_PASSWORD)
  t.match(await hasher.verify({ password: LONG_PASSWORD, hash }), { ok: true })
  t.match(await hasher.verify({ password: `${LONG_PASSWORD}!`, hash }), { ok: false })
  await t.rejects(hasher.hash('x'.repeat(1025)), { code: 'AUTH_HASH_PASSWORD_TOO_LONG' })
})

for (const [name, [hash, password]] of Object.entries(ARGON2_VECTORS)) {
  t.test(
    `the hash '${name}' of Argon2id that another system made verifies with its password and no other`,
    { skip },
    async (t) => {
      for (const hasher of [createHasher(LOW), createHasher(ARGON2)]) {
        t.match(await hasher.verify({ password, hash }), { ok: true })
        t.strictSame(await hasher.verify({ password: `${password}!`, hash }), {
          ok: false,
          reason: 'wrong-password',
        })
      }
    },
  )
}

t.test('parameters are read by name, and damage or other forms are told apart', async (t) => {
  const [php] = ARGON2_VECTORS.php
  const parts = { scheme: 'argon2id', memory: 65536, passes: 4, parallelism: 1, keyId: undefined }
  for (const order of ['m=65536,t=4,p=1', 't=4,m=65536,p=1', 'p=1,t=4,m=65536']) {
    t.match(explain(php.replace('m=65536,t=4,p=1', order)), parts, order)
  }
  t.match(explain(php.replace('p=1', 'p=1,keyid=2026')), { keyId: '2026' })
  t.match(explain(`{argon2@SpringSecurity_v5_8}${php}`), parts)
  for (const wrong of [
    'm=65536,t=4',
    'm=65536,m=8,t=4,p=1',
    'm=65536,t=4,p=1,data=AAAA',
    'm=065536,t=4,p=1',
    'm=8,t=4,p=2',
    'm=1e3,t=4,p=1',
    'm=0,t=4,p=0',
  ]) {
    const hash = php.replace('m=65536,t=4,p=1', wrong)
    t.throws(() => explain(hash), { code: 'AUTH_HASH_MALFORMED_HASH' }, wrong)
  }
  for (const other of [OTHER_SCHEMES.argon2i, php.replace('v=19', 'v=16'), php.replace('$v=19', '')]) {
    t.throws(() => explain(other), { code: 'AUTH_HASH_UNSUPPORTED_SCHEME' }, other)
  }
})

t.test('explain describes each part of a hash of Argon2id', async (t) => {
  const { meaning, ...parts } = explain(ARGON2_VECTORS.django[0])
  t.match(parts, { scheme: 'argon2id', version: '19', memory: 102400, passes: 2, parallelism: 8 })
  t.match(meaning, { memory: /102,400 KiB/, passes: /2 times/, parallelism: /8 lanes/, keyId: /^No pepper/ })
})

t.test('a service moves from bcrypt to Argon2id and back, login by login', { skip }, async (t) => {
  const [old, modern] = [createHasher(LOW), createHasher(ARGON2)]
  const there = await upgrade(modern, 'pw', await old.hash('pw'))
  t.strictSame(there.verdict, { ok: true, needsRehash: true })
  t.match(there.next, /^\$argon2id\$v=19\$m=64,t=2,p=1\$/)
  t.strictSame(await modern.verify({ password: 'pw', hash: there.next }), { ok: true, needsRehash: false })
  const back = await upgrade(old, 'pw', there.next)
  t.strictSame(back.verdict, { ok: true, needsRehash: true })
  t.match(back.next, /^\$2b\$04\$/)
  t.equal(await bcrypt.compare('pw', back.next), true)
  t.strictSame((await upgrade(modern, 'no', back.next)).next, '')
})

t.test('a weaker hash of Argon2id is due, and a stronger one stays', { skip }, async (t) => {
  const [weak, strong] = [createHasher(ARGON2), createHasher({ ...ARGON2, memory: 128, passes: 3 })]
  const { verdict, next } = await upgrade(strong, 'pw', await weak.hash('pw'))
  t.match(verdict, { needsRehash: true })
  t.match(next, '$m=128,t=3,p=1$')
  t.strictSame(await weak.verify({ password: 'pw', hash: next }), { ok: true, needsRehash: false })
  t.equal(weak.needsRehash(next), false)
  t.equal(strong.needsRehash(await weak.hash('pw')), true)
})

t.test('a pepper goes into Argon2id, and is rotated', { skip }, async (t) => {
  const keys = { a: randomBytes(32), b: randomBytes(32) }
  const first = createHasher({ ...ARGON2, pepper: { current: 'a', keys: { a: keys.a } } })
  const both = createHasher({ ...ARGON2, pepper: { current: 'b', keys } })
  const hash = await first.hash('pw')
  t.match(hash, ',keyid=a$')
  t.match(await first.verify({ password: 'pw', hash }), { ok: true, needsRehash: false })
  t.match(await first.verify({ password: 'no', hash }), { ok: false })
  const { next } = await upgrade(both, 'pw', hash)
  t.match(next, ',keyid=b$')
  t.match(await first.verify({ password: 'pw', hash: next }), { ok: false, reason: 'unknown-pepper' })
  const forged = createHasher({ ...ARGON2, pepper: { current: 'a', keys: { a: randomBytes(32) } } })
  t.match(await forged.verify({ password: 'pw', hash }), { ok: false, reason: 'wrong-password' })
})

t.test(
  'the work is the same for every row, once a scheme is known to be in the table',
  { skip },
  async (t) => {
    const rows = {
      'no user': null,
      garbage: 'garbage',
      "today's": await createHasher(ARGON2).hash('right'),
      weaker: await createHasher({ ...ARGON2, memory: 16, passes: 1 }).hash('right'),
      'with other parameters': await createHasher({ ...ARGON2, memory: 24, passes: 3 }).hash('right'),
      'of an unknown pepper': (await createHasher(ARGON2).hash('right')).replace('p=1', 'p=1,keyid=x'),
    }
    const alone = createHasher(ARGON2)
    for (const [row, hash] of Object.entries(rows)) {
      const work = await countWork(() => alone.verify({ password: 'wrong', hash }))
      t.strictSame(work, { rounds: 0, kib: 128 }, row)
    }
    const bcryptRow = await bcrypt.hash('right', 4)
    for (const scheme of ['argon2id', 'bcrypt'] as const) {
      const mixed = createHasher({ ...LOW, cost: 5, scheme, placeholders: [bcryptRow, rows["today's"]] })
      for (const [row, hash] of Object.entries({ ...rows, bcrypt: bcryptRow })) {
        const work = await countWork(() => mixed.verify({ password: 'wrong', hash }))
        t.strictSame(work, { rounds: 32, kib: 128 }, `${row}, ${scheme}`)
      }
    }
    await alone.verify({ password: 'wrong', hash: bcryptRow })
    t.strictSame(await countWork(() => alone.verify({ password: 'wrong', hash: null })), {
      rounds: 16,
      kib: 128,
    })
  },
)

t.test('a stored hash that takes too much memory or time is refused before any work', { skip }, async (t) => {
  const [php] = ARGON2_VECTORS.php
  for (const parameters of ['m=1048577,t=1,p=1', 'm=65536,t=17,p=1', 'm=999999999,t=999999999,p=1']) {
    const hash = php.replace('m=65536,t=4,p=1', parameters)
    const work = await countWork(async () => {
      t.strictSame(await createHasher(ARGON2).verify({ password: PASSWORD, hash }), {
        ok: false,
        reason: 'cost-too-high',
      })
    })
    t.strictSame(work, { rounds: 0, kib: 0 })
  }
})
