/** One test for each thing that bcrypt 6.0.0 gets wrong: first bcrypt, seen to do so, then this package. */
import bcrypt from 'bcrypt'
import t from 'tap'
import { createHasher } from '../src/create-hasher.ts'
import { costsOf } from './work.ts'

const hasher = createHasher({ cost: 4, unsafeLowCost: true })
const wrong = { ok: false, reason: 'wrong-password' }

t.test('counts every byte of a password, and refuses one of more than 72', async (t) => {
  const whole = `${'a'.repeat(70)}\u00e9` // 72 bytes
  const longer = `${whole}!`
  t.equal(await bcrypt.compare(longer, await bcrypt.hash(whole, 4)), true, 'bcrypt ignores it')

  await t.rejects(hasher.hash(longer), { code: 'AUTH_HASH_PASSWORD_TOO_LONG' }, 'hash refuses it')
  await t.resolves(hasher.hash(whole), 'hash takes 72 bytes')

  const hash = await hasher.hash(whole)
  const costs = await costsOf(async () => {
    t.strictSame(await hasher.verify({ password: longer, hash }), { ok: false, reason: 'password-too-long' })
  })
  t.strictSame(costs, [4], 'verify does the work of one compare, then says no')
  t.match(await hasher.verify({ password: whole, hash }), { ok: true })

  const importing = createHasher({ cost: 4, unsafeLowCost: true, legacyTruncate: true })
  t.match(await importing.verify({ password: longer, hash }), { ok: true }, 'legacyTruncate lets it in')
  t.match(await importing.verify({ password: `x${longer}`, hash }), wrong)
  await t.rejects(
    importing.hash(longer),
    { code: 'AUTH_HASH_PASSWORD_TOO_LONG' },
    'but hashes no more of them',
  )
})

t.test('takes NUL for no end of the password, and refuses it', async (t) => {
  t.equal(await bcrypt.compare('pw\0pw', await bcrypt.hash('pw', 4)), true, 'bcrypt takes it for the end')

  await t.rejects(hasher.hash('pw\0pw'), { code: 'AUTH_HASH_PASSWORD_HAS_NUL' })
  const hash = await hasher.hash('pw')
  const costs = await costsOf(async () => {
    t.strictSame(await hasher.verify({ password: 'pw\0pw', hash }), { ok: false, reason: 'password-has-nul' })
  })
  t.strictSame(costs, [4])
  t.match(await hasher.verify({ password: 'pw', hash }), { ok: true })
})

t.test('refuses a hash with NUL or garbage behind it', async (t) => {
  const hash = await hasher.hash('pw')
  t.equal(await bcrypt.compare('pw', `${hash}\0garbage`), true, 'bcrypt overlooks it')

  for (const tail of ['\0garbage', '\0', 'A', ' ', '\n']) {
    t.strictSame(await hasher.verify({ password: 'pw', hash: hash + tail }), {
      ok: false,
      reason: 'malformed-hash',
    })
  }
  t.match(await hasher.verify({ password: 'pw', hash }), { ok: true })
})

t.test('accepts $2a$, $2b$ and $2y$, and refuses $2x$ and $2$', async (t) => {
  const rest = (await bcrypt.hash('pw', 4)).slice('$2b$'.length)
  t.equal(await bcrypt.compare('pw', `$2y$${rest}`), false, 'bcrypt silently says no')

  for (const version of ['2a', '2b', '2y']) {
    const hash = `$${version}$${rest}`
    t.match(await hasher.verify({ password: 'pw', hash }), { ok: true }, `${version} is accepted`)
    t.match(await hasher.verify({ password: 'no', hash }), wrong)
  }
  for (const version of ['2x', '2']) {
    const verdict = await hasher.verify({ password: 'pw', hash: `$${version}$${rest}` })
    t.strictSame(verdict, { ok: false, reason: 'unsupported-scheme' }, `${version} is refused`)
  }
})

t.test('takes the NFC and NFD forms of one password for one', async (t) => {
  const nfc = 'caf\u00e9'
  const nfd = 'cafe\u0301'
  t.equal(await bcrypt.compare(nfd, await bcrypt.hash(nfc, 4)), false, 'bcrypt takes them for two')

  for (const signUp of [nfc, nfd]) {
    const hash = await hasher.hash(signUp)
    t.match(await hasher.verify({ password: nfc, hash }), { ok: true, needsRehash: false })
    t.match(await hasher.verify({ password: nfd, hash }), { ok: true, needsRehash: false })
    t.match(await hasher.verify({ password: 'cafe', hash }), wrong)
  }
  t.match(
    await hasher.verify({ password: nfd, hash: await bcrypt.hash(nfd, 4) }),
    { ok: true, needsRehash: true },
    'an imported hash of the form as typed verifies, and is due for the normal one',
  )
  t.match(await hasher.verify({ password: nfc, hash: await bcrypt.hash(nfd, 4) }), wrong)
})

t.test('merges no characters that differ, as NFKC would', async (t) => {
  const hash = await hasher.hash('pa\u00b2')
  t.match(await hasher.verify({ password: 'pa2', hash }), wrong)
  t.match(await hasher.verify({ password: 'pa\u00b2', hash }), { ok: true })
  t.equal('pa\u00b2'.normalize('NFKC'), 'pa2')
})

t.test('refuses lone surrogates instead of confounding them', async (t) => {
  t.equal(await bcrypt.compare('\ud801', await bcrypt.hash('\ud800', 4)), true, 'bcrypt confounds them')

  await t.rejects(hasher.hash('\ud800'), { code: 'AUTH_HASH_PASSWORD_NOT_UNICODE' })
  const hash = await bcrypt.hash('\ud800', 4)
  const costs = await costsOf(async () => {
    const verdict = await hasher.verify({ password: '\ud801', hash })
    t.strictSame(verdict, { ok: false, reason: 'password-not-unicode' })
  })
  t.strictSame(costs, [4])
  t.match(await hasher.verify({ password: '\u{1f600}', hash: await hasher.hash('\u{1f600}') }), { ok: true })
})

t.test('works for a hash that is garbage, empty or not there as for any other', async (t) => {
  // @ts-expect-error null is what a missing user gives
  await t.rejects(bcrypt.compare('pw', null), 'bcrypt throws')
  t.equal(await bcrypt.compare('pw', ''), false, 'or answers without any work')

  for (const hash of [null, undefined, '', 'garbage', '$2b$04$short']) {
    const costs = await costsOf(() => hasher.verify({ password: 'pw', hash }))
    t.strictSame(costs, [4], 'ours works as for a wrong password')
  }
})

t.test('refuses a cost above maxCost before any work', async (t) => {
  t.equal(bcrypt.getRounds(`$2b$30$${'.'.repeat(53)}`), 30, 'bcrypt reads it, and would set out')

  const hash = `$2b$16$${'.'.repeat(53)}`
  const costs = await costsOf(async () => {
    t.strictSame(await hasher.verify({ password: 'pw', hash }), { ok: false, reason: 'cost-too-high' })
  })
  t.strictSame(costs, [], 'nothing is computed')

  const low = createHasher({ cost: 4, maxCost: 5, unsafeLowCost: true })
  t.match(await low.verify({ password: 'pw', hash: await bcrypt.hash('pw', 5) }), { ok: true })
  t.match(await low.verify({ password: 'pw', hash: await bcrypt.hash('pw', 6) }), { ok: false })
})

t.test('takes no nonsense for a cost', async (t) => {
  t.match(await bcrypt.genSalt(260), /^\$2b\$04\$/, 'bcrypt makes 4 of 260')
  t.match(await bcrypt.genSalt(Number.NaN), /^\$2b\$10\$/, 'and 10 of NaN')

  for (const cost of [31, -1, 100, 260, Number.NaN, 12.9, 9, 16, 0, Number.POSITIVE_INFINITY]) {
    t.throws(() => createHasher({ cost }), { code: 'AUTH_HASH_INVALID_OPTION' }, `${cost}`)
  }
  for (const cost of ['10', null, 10n, [10], {}]) {
    // @ts-expect-error what plain JavaScript may pass
    t.throws(() => createHasher({ cost }), { code: 'AUTH_HASH_INVALID_OPTION' })
  }
  for (const cost of [10, 11, 12, 13, 14, 15]) t.doesNotThrow(() => createHasher({ cost }))
  for (const cost of [4, 9]) t.doesNotThrow(() => createHasher({ cost, unsafeLowCost: true }))
  t.throws(() => createHasher({ cost: 3, unsafeLowCost: true }), { code: 'AUTH_HASH_INVALID_OPTION' })
})

t.test('turns away a flood beyond its bounds at once, and is not harmed by it', async (t) => {
  const limited = createHasher({ cost: 4, unsafeLowCost: true, concurrency: 2, maxQueue: 5 })
  const calls = Array.from({ length: 50 }, () => limited.verify({ password: 'pw', hash: null }))
  t.match(limited.stats, { running: 2, waiting: 5, overloaded: 43 }, 'all else is turned away at once')

  const outcomes = await Promise.allSettled(calls)
  const turnedAway = outcomes.filter(({ status }) => status === 'rejected')
  t.equal(turnedAway.length, 43)
  t.match(turnedAway[0], { reason: { code: 'AUTH_HASH_OVERLOADED', retryAfter: 1 } })
  t.match(limited.stats, { running: 0, waiting: 0, finished: 7 })
  await t.resolves(limited.hash('pw'), 'and then there is room again')
})

t.test('rehashes upwards only', async (t) => {
  const saved: string[] = []
  const save = async (next: string) => {
    saved.push(next)
  }
  const stronger = await bcrypt.hash('pw', 6)
  t.strictSame(await hasher.verify({ password: 'pw', hash: stronger, save }), {
    ok: true,
    needsRehash: false,
  })
  t.strictSame(saved, [], 'is never made weaker')

  const today = createHasher({ cost: 7, unsafeLowCost: true })
  t.strictSame(await today.verify({ password: 'pw', hash: stronger, save }), { ok: true, needsRehash: true })
  t.match(saved, [/^\$2b\$07\$/], 'a weaker one is made stronger')
})
