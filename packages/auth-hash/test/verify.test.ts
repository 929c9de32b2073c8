import bcrypt from 'bcrypt'
import fc from 'fast-check'
import t from 'tap'
import { createHasher } from '../src/create-hasher.ts'
import { costsOf, roundsOf } from './work.ts'

const COST = 7
const hasher = createHasher({ cost: COST, unsafeLowCost: true })
const today = await hasher.hash('right')

/** Every kind of row that a table may hold, none of them of a cost above today's. */
const ROWS: Readonly<Record<string, string | null | undefined>> = {
  'no user': null,
  'no column': undefined,
  empty: '',
  garbage: 'correct horse battery staple',
  'cut off': today.slice(0, -1),
  'too long': `${today}A`,
  'a faulty version': today.replace('$2b$', '$2x$'),
  "another algorithm's": '$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaA',
  "today's": today,
  'of cost 4': await bcrypt.hash('right', 4),
  'of cost 5': await bcrypt.hash('right', 5),
  'of cost 6': await bcrypt.hash('right', 6),
  "PHP's": today.replace('$2b$', '$2y$'),
  "Django's": `bcrypt_sha256$$2b$05$${'.'.repeat(53)}`,
  "passlib's": `$bcrypt-sha256$v=2,t=2b,r=4$${'.'.repeat(22)}$${'.'.repeat(31)}`,
  'of an unknown pepper': `$bcrypt-sha256$v=2,t=2b,r=6,keyid=2019$${'.'.repeat(22)}$${'.'.repeat(31)}`,
}

const PASSWORDS: Readonly<Record<string, { password: string; forms: number }>> = {
  'the right one': { password: 'right', forms: 1 },
  'a wrong one': { password: 'wrong', forms: 1 },
  'an empty one': { password: '', forms: 1 },
  'one of 73 bytes': { password: 'a'.repeat(73), forms: 1 },
  'one of 1,024 characters': { password: 'a'.repeat(1024), forms: 1 },
  'one longer than is normalised': { password: 'e\u0301'.repeat(600), forms: 1 },
  'one with NUL': { password: 'right\0', forms: 1 },
  'one with a lone surrogate': { password: '\ud800', forms: 1 },
  'one that is not NFC': { password: 'cafe\u0301', forms: 2 },
  'one that is not NFC and too long before it is': { password: 'e\u0301'.repeat(30), forms: 2 },
  'one that is not NFC and too long after': { password: '\u0958'.repeat(20), forms: 2 },
}

for (const [kind, { password, forms }] of Object.entries(PASSWORDS)) {
  t.test(`${kind}: the work is the same for every row`, async (t) => {
    for (const [row, hash] of Object.entries(ROWS)) {
      t.equal(await roundsOf(() => hasher.verify({ password, hash })), forms * 2 ** COST, row)
    }
  })
}

t.test('an old cost is made up by one hash at each cost from it to today’s minus one', async (t) => {
  const hash = await bcrypt.hash('right', 4)
  t.strictSame(await costsOf(() => hasher.verify({ password: 'right', hash })), [4, 4, 5, 6])
  t.strictSame(await costsOf(() => hasher.verify({ password: 'right', hash: today })), [7])
})

t.test('the form that was typed is computed only if the normal form does not match', async (t) => {
  for (const [form, costs] of [
    ['caf\u00e9', [COST]],
    ['cafe\u0301', [COST, COST]],
    ['cafe', [COST, COST]],
  ] as const) {
    const hash = await bcrypt.hash(form, COST)
    t.strictSame(await costsOf(() => hasher.verify({ password: 'cafe\u0301', hash })), costs)
  }
})

t.test('a form that is too long matches nothing, not even the hash of no password', async (t) => {
  const password = '\u0958'.repeat(20) // 60 bytes, and 120 once normalised
  const wrong = { ok: false, reason: 'wrong-password' }
  t.strictSame(await hasher.verify({ password, hash: await bcrypt.hash('', COST) }), wrong)
  t.match(await hasher.verify({ password, hash: await bcrypt.hash(password, COST) }), { ok: true })
})

t.test('a hash above today’s cost is the one kind of row that shows', async (t) => {
  const hash = await bcrypt.hash('right', COST + 1)
  t.strictSame(await costsOf(() => hasher.verify({ password: 'wrong', hash })), [COST + 1])
  t.strictSame(await costsOf(() => hasher.verify({ password: 'a'.repeat(73), hash })), [COST + 1])
})

t.test('any password costs any row the same', async (t) => {
  const cheap = createHasher({ cost: 5, unsafeLowCost: true })
  const rows = [await cheap.hash('right'), await bcrypt.hash('right', 4), '', 'garbage']
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 100 }), async (password) => {
      const unknown = await roundsOf(() => cheap.verify({ password, hash: null }))
      for (const hash of rows) t.equal(await roundsOf(() => cheap.verify({ password, hash })), unknown)
      t.equal(unknown, password.normalize('NFC') === password ? 2 ** 5 : 2 ** 6)
    }),
    { numRuns: 40 },
  )
})

t.test('says why, for the log', async (t) => {
  const reasons: [password: string, row: string, reason: string][] = [
    ['right', 'no user', 'no-hash'],
    ['right', 'no column', 'no-hash'],
    ['right', 'empty', 'malformed-hash'],
    ['right', "another algorithm's", 'unsupported-scheme'],
    ['right', 'a faulty version', 'unsupported-scheme'],
    ['wrong', "today's", 'wrong-password'],
    ['right', 'of an unknown pepper', 'unknown-pepper'],
    ['a'.repeat(73), "today's", 'password-too-long'],
    ['a'.repeat(73), "passlib's", 'wrong-password'],
    ['a'.repeat(1025), "passlib's", 'password-too-long'],
    ['right\0', "today's", 'password-has-nul'],
    ['\udfff', "today's", 'password-not-unicode'],
  ]
  for (const [password, row, reason] of reasons) {
    t.strictSame(
      await hasher.verify({ password, hash: ROWS[row] }),
      { ok: false, reason },
      `${reason}: ${row}`,
    )
  }
})

t.test('takes a stored hash of another type for garbage', async (t) => {
  for (const hash of [42, true, Buffer.from(today), [today], { hash: today }]) {
    // @ts-expect-error what a database driver may give plain JavaScript
    const costs = await costsOf(() => hasher.verify({ password: 'right', hash }))
    t.strictSame(costs, [COST])
  }
})

t.test('a password that is not a string is rejected as the client’s mistake', async (t) => {
  for (const [password, kind] of [
    [undefined, 'undefined'],
    [null, 'null'],
    [12345678, 'a number'],
    [['secret'], 'an array'],
    [{ secret: 1 }, 'an object'],
    [Buffer.from('secret'), 'an object'],
  ] as const) {
    const expected = {
      code: 'AUTH_HASH_INVALID_ARGUMENT',
      statusCode: 400,
      message: `Expected \`password\` to be a string, got ${kind}`,
    }
    // @ts-expect-error what an unchecked body may hold
    await t.rejects(hasher.verify({ password, hash: today }), expected)
    // @ts-expect-error likewise
    await t.rejects(hasher.hash(password), expected)
  }
})

t.test('what was hashed verifies, and nothing else does', async (t) => {
  const cheap = createHasher({ cost: 4, unsafeLowCost: true })
  const text = fc
    .string({ unit: 'grapheme', maxLength: 16 })
    .filter((s) => Buffer.byteLength(s.normalize()) <= 72)
  await fc.assert(
    fc.asyncProperty(text, text, async (password, other) => {
      fc.pre(!password.includes('\0') && !other.includes('\0'))
      const hash = await cheap.hash(password)
      t.match(await cheap.verify({ password, hash }), { ok: true, needsRehash: false })
      t.match(await cheap.verify({ password: password.normalize('NFD'), hash }), { ok: true })
      const same = other.normalize() === password.normalize()
      t.equal((await cheap.verify({ password: other, hash })).ok, same)
    }),
    { numRuns: 60 },
  )
})
