import bcrypt from 'bcrypt'
import t from 'tap'
import { createHasher } from '../src/create-hasher.ts'
import type { HashText } from '../src/hasher.ts'
import { costsOf } from './work.ts'

const LOW = { unsafeLowCost: true } as const
const key = (fill: number) => new Uint8Array(32).fill(fill)

/** The verdict, and what `save` was called with. */
async function saving(hasher: ReturnType<typeof createHasher>, password: string, hash: string) {
  const calls: [next: HashText, previous: string][] = []
  const verdict = await hasher.verify({
    password,
    hash,
    save: async (...call) => {
      calls.push(call)
    },
  })
  return { verdict, calls, next: calls[0]?.[0] ?? '' }
}

t.test('a lower cost is raised, and the new hash verifies', async (t) => {
  const hasher = createHasher({ ...LOW, cost: 6 })
  const previous = await bcrypt.hash('pw', 4)
  const { verdict, calls, next } = await saving(hasher, 'pw', previous)
  t.strictSame(verdict, { ok: true, needsRehash: true })
  t.equal(calls.length, 1)
  t.equal(calls[0]?.[1], previous)
  t.match(next, /^\$2b\$06\$/)
  t.strictSame(await hasher.verify({ password: 'pw', hash: next }), { ok: true, needsRehash: false })
  t.match(await hasher.verify({ password: 'no', hash: next }), { ok: false })
})

t.test('nothing is saved for a wrong password, nor where nothing is better', async (t) => {
  const hasher = createHasher({ ...LOW, cost: 6 })
  const old = await saving(hasher, 'no', await bcrypt.hash('pw', 4))
  t.strictSame(old.calls, [])
  const today = await saving(hasher, 'pw', await hasher.hash('pw'))
  t.strictSame(today.calls, [])
  t.strictSame(today.verdict, { ok: true, needsRehash: false })
})

t.test('without save nothing more is computed', async (t) => {
  const hasher = createHasher({ ...LOW, cost: 6 })
  const hash = await bcrypt.hash('pw', 4)
  t.strictSame(await costsOf(() => hasher.verify({ password: 'pw', hash })), [4, 4, 5])
  t.strictSame(await costsOf(() => saving(hasher, 'pw', hash)), [4, 4, 5, 6])
})

t.test('a password changed meanwhile is not overwritten by a save that compares and swaps', async (t) => {
  const hasher = createHasher({ ...LOW, cost: 6 })
  const old = await bcrypt.hash('old', 4)
  const changed = await hasher.hash('new')
  let row: string = old
  const swap = async (next: string, previous: string) => {
    if (row === previous) row = next
  }
  const verdict = await hasher.verify({
    password: 'old',
    hash: row,
    async save(next, previous) {
      row = changed
      await swap(next, previous)
    },
  })
  t.match(verdict, { ok: true })
  t.equal(row, changed)

  row = old
  await hasher.verify({ password: 'old', hash: row, save: swap })
  t.match(row, /^\$2b\$06\$/, 'and an unchanged one is')
})

t.test('what save throws, verify throws', async (t) => {
  const hasher = createHasher({ ...LOW, cost: 6 })
  const save = () => Promise.reject(new Error('the database is away'))
  const hash = await bcrypt.hash('pw', 4)
  await t.rejects(hasher.verify({ password: 'pw', hash, save }), { message: 'the database is away' })
  await t.resolves(hasher.verify({ password: 'no', hash, save }))
})

t.test('saving holds no place that another password could be hashed in', async (t) => {
  const hasher = createHasher({ ...LOW, cost: 5, concurrency: 1, maxQueue: 0 })
  let running: number | undefined
  await hasher.verify({
    password: 'pw',
    hash: await bcrypt.hash('pw', 4),
    async save() {
      running = hasher.stats.running
      await hasher.hash('another')
    },
  })
  t.equal(running, 0)
})

t.test('Django’s is due for the hasher’s own scheme', async (t) => {
  const hash = 'bcrypt_sha256$$2b$05$CCCCCCCCCCCCCCCCCCCCC.Hj1dXHv09DjjbM63xDk5X5vTegF/6Vq'
  const password = 'correct horse battery staple'
  for (const [scheme, start] of [
    ['bcrypt', '$2b$06$'],
    ['bcrypt-sha256', '$bcrypt-sha256$v=2,t=2b,r=6$'],
  ] as const) {
    const { verdict, next } = await saving(createHasher({ ...LOW, cost: 6, scheme }), password, hash)
    t.match(verdict, { needsRehash: true })
    t.ok(next.startsWith(start))
  }
  const cheaper = await saving(createHasher({ ...LOW, cost: 4 }), password, hash)
  t.match(cheaper.verdict, { needsRehash: true })
  t.match(cheaper.next, /^\$2b\$05\$/, 'and keeps its higher cost')
})

t.test('bcrypt becomes bcrypt-sha256 where that is today’s scheme, and never the other way', async (t) => {
  const plain = createHasher({ ...LOW, cost: 4 })
  const digesting = createHasher({ ...LOW, cost: 4, scheme: 'bcrypt-sha256' })
  const forth = await saving(digesting, 'pw', await plain.hash('pw'))
  t.match(forth.verdict, { needsRehash: true })
  t.match(forth.next, /^\$bcrypt-sha256\$v=2,t=2b,r=4\$/)
  const back = await saving(plain, 'pw', forth.next)
  t.match(back.verdict, { ok: true, needsRehash: false })
  const dearer = await saving(createHasher({ ...LOW, cost: 5 }), 'pw', forth.next)
  t.match(dearer.next, /^\$bcrypt-sha256\$v=2,t=2b,r=5\$/)
})

t.test('a pepper comes in, and is rotated', async (t) => {
  const hash = await createHasher({ ...LOW, cost: 4 }).hash('pw')
  const first = createHasher({ ...LOW, cost: 4, pepper: { current: 'a', keys: { a: key(1) } } })
  const both = createHasher({ ...LOW, cost: 4, pepper: { current: 'b', keys: { a: key(1), b: key(2) } } })

  const peppered = await saving(first, 'pw', hash)
  t.match(peppered.next, /^\$bcrypt-sha256\$v=2,t=2b,r=4,keyid=a\$/)
  t.match(await first.verify({ password: 'pw', hash: peppered.next }), { ok: true, needsRehash: false })
  t.match(await first.verify({ password: 'no', hash: peppered.next }), { reason: 'wrong-password' })

  const rotated = await saving(both, 'pw', peppered.next)
  t.match(rotated.verdict, { ok: true, needsRehash: true })
  t.match(rotated.next, /,keyid=b\$/)
  t.match(await both.verify({ password: 'pw', hash: rotated.next }), { ok: true, needsRehash: false })
  t.match(await first.verify({ password: 'pw', hash: rotated.next }), { reason: 'unknown-pepper' })

  const forged = createHasher({ ...LOW, cost: 4, pepper: { current: 'b', keys: { b: key(3) } } })
  t.match(await forged.verify({ password: 'pw', hash: rotated.next }), { reason: 'wrong-password' })
})

t.test('no hash stays weak because its password has more than 72 bytes', async (t) => {
  const long = 'a'.repeat(80)
  const importing = createHasher({ ...LOW, cost: 5, legacyTruncate: true })
  const hash = await bcrypt.hash(long, 4)
  t.equal(importing.needsRehash(hash), true)
  const upgraded = await saving(importing, long, hash)
  t.strictSame(upgraded.verdict, { ok: true, needsRehash: true })
  t.match(upgraded.next, /^\$2b\$05\$/)
  const again = await importing.verify({ password: `${'a'.repeat(72)}b`, hash: upgraded.next })
  t.strictSame(again, { ok: true, needsRehash: false }, 'and accepts what the old one accepted')
  t.match(await importing.verify({ password: 'a'.repeat(71), hash: upgraded.next }), { ok: false })
  await t.rejects(importing.hash(long), { code: 'AUTH_HASH_PASSWORD_TOO_LONG' })

  const digesting = createHasher({ ...LOW, cost: 5, legacyTruncate: true, scheme: 'bcrypt-sha256' })
  const { verdict, next } = await saving(digesting, long, hash)
  t.match(verdict, { needsRehash: true })
  t.match(await digesting.verify({ password: long, hash: next }), { ok: true })
  t.match(await digesting.verify({ password: `${long}!`, hash: next }), { ok: false }, 'now it counts whole')
})

t.test('a password whose normal form has more than 72 bytes becomes bcrypt-sha256', async (t) => {
  const typed = '\u0958'.repeat(20) // 60 bytes, and 120 in its normal form
  const hasher = createHasher({ ...LOW, cost: 5 })
  const { verdict, next } = await saving(hasher, typed, await bcrypt.hash(typed, 4))
  t.match(verdict, { needsRehash: true })
  t.match(next, /^\$bcrypt-sha256\$/)
  t.strictSame(await hasher.verify({ password: typed, hash: next }), { ok: true, needsRehash: false })
})

t.test('needsRehash finds the rows that are weak, without a password and without work', async (t) => {
  const hasher = createHasher({ ...LOW, cost: 6 })
  const peppered = createHasher({ ...LOW, cost: 6, pepper: { current: 'b', keys: { a: key(1), b: key(2) } } })
  const costs = await costsOf(async () => {
    for (const [start, due] of [
      ['$2b$06$', false],
      ['$2y$07$', false],
      ['$2b$05$', true],
      ['{bcrypt}$2a$04$', true],
      ['bcrypt_sha256$$2b$06$', true],
    ] as const) {
      t.equal(hasher.needsRehash(start + '.'.repeat(53)), due, start)
    }
    for (const nothing of ['', 'garbage', null, undefined]) t.equal(hasher.needsRehash(nothing), true)
    const digest = `$${'.'.repeat(22)}$${'.'.repeat(31)}`
    t.equal(hasher.needsRehash(`$bcrypt-sha256$v=2,t=2b,r=6${digest}`), false)
    t.equal(peppered.needsRehash(`$bcrypt-sha256$v=2,t=2b,r=6${digest}`), true)
    t.equal(peppered.needsRehash(`$bcrypt-sha256$v=2,t=2b,r=6,keyid=a${digest}`), true)
    t.equal(peppered.needsRehash(`$bcrypt-sha256$v=2,t=2b,r=6,keyid=b${digest}`), false)
  })
  t.strictSame(costs, [])
})

t.test('save may return what a database returns', async (t) => {
  const hasher = createHasher({ ...LOW, cost: 5 })
  const hash = await bcrypt.hash('pw', 4)
  let isSaved = false
  const saves = {
    pg: async () => ({ rowCount: 1, rows: [] }),
    prisma: async () => ({ count: 1 }),
    synchronous: () => 1,
    nothing: () => {},
    slow: async () => {
      await new Promise((resolve) => setImmediate(resolve))
      isSaved = true
    },
  }
  for (const [name, save] of Object.entries(saves)) {
    t.match(await hasher.verify({ password: 'pw', hash, save }), { ok: true }, name)
  }
  t.equal(isSaved, true, 'and is awaited')
})

t.test('a password typed in another form is stored in the normal one', async (t) => {
  const hasher = createHasher({ ...LOW, cost: 4 })
  const { verdict, next } = await saving(hasher, 'cafe\u0301', await bcrypt.hash('cafe\u0301', 4))
  t.match(verdict, { ok: true, needsRehash: true })
  t.equal(await bcrypt.compare('caf\u00e9', next), true)
  t.equal(await bcrypt.compare('cafe\u0301', next), false)
})
