import { createHash, pbkdf2Sync } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import bcrypt from 'bcrypt'
import t from 'tap'
import { createHasher } from '../src/create-hasher.ts'
import type { ForeignScheme, HasherOptions } from '../src/options.ts'
import { OTHER_SCHEMES, PASSWORD } from './vectors.ts'
import { costsOf } from './work.ts'

const LOW = { cost: 4, unsafeLowCost: true } as const

/** Django's default. It counts its calls. */
function django() {
  const calls: [password: string, hash: string][] = []
  const scheme: ForeignScheme = {
    matches: (hash) => hash.startsWith('pbkdf2_sha256$'),
    verify(password, hash) {
      calls.push([password, hash])
      const [, iterations, salt = '', digest] = hash.split('$')
      return pbkdf2Sync(password, salt, Number(iterations), 32, 'sha256').toString('base64') === digest
    },
  }
  return { calls, scheme }
}
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex')
const bareSha1: ForeignScheme = {
  matches: (hash) => /^[0-9a-f]{40}$/.test(hash),
  verify: async (password, hash) => sha1(password) === hash,
}

t.test('a foreign scheme verifies its hashes, and a login upgrades them', async (t) => {
  const hasher = createHasher({ ...LOW, foreign: [bareSha1, django().scheme] })
  for (const hash of [OTHER_SCHEMES.djangoPbkdf2, sha1(PASSWORD)]) {
    const saved: string[][] = []
    const save = (...call: string[]) => saved.push(call)
    t.strictSame(await hasher.verify({ password: `${PASSWORD}!`, hash, save }), {
      ok: false,
      reason: 'wrong-password',
    })
    t.strictSame(saved, [])
    t.strictSame(await hasher.verify({ password: PASSWORD, hash, save }), { ok: true, needsRehash: true })
    t.match(saved, [[/^\$2b\$04\$/, hash]])
    t.match(await hasher.verify({ password: PASSWORD, hash: saved[0]?.[0] }), {
      ok: true,
      needsRehash: false,
    })
    t.equal(hasher.needsRehash(hash), true)
  }
  t.strictSame(await hasher.verify({ password: PASSWORD, hash: OTHER_SCHEMES.passlibScrypt }), {
    ok: false,
    reason: 'unsupported-scheme',
  })
})

t.test('a long password of a foreign scheme becomes bcrypt-sha256', async (t) => {
  const hasher = createHasher({ ...LOW, foreign: [bareSha1] })
  const password = 'x'.repeat(80)
  const saved: string[] = []
  await hasher.verify({ password, hash: sha1(password), save: (next) => saved.push(next) })
  t.match(saved, [/^\$bcrypt-sha256\$/])
  t.match(await hasher.verify({ password, hash: saved[0] }), { ok: true, needsRehash: false })
})

t.test('with a placeholder every login does the work of each scheme once, from the start', async (t) => {
  const { calls, scheme } = django()
  const placeholder = OTHER_SCHEMES.djangoPbkdf2
  const hasher = createHasher({ ...LOW, foreign: [scheme, bareSha1], placeholders: [placeholder] })
  const rows = [null, 'garbage', await bcrypt.hash('pw', 4), placeholder, '$2b$04$short']
  for (const hash of rows) {
    calls.length = 0
    const costs = await costsOf(() => hasher.verify({ password: 'wrong', hash }))
    t.strictSame(costs, [4], 'bcrypt once')
    t.strictSame(calls, [['wrong', placeholder]], 'and the foreign scheme once')
  }
})

t.test('without a placeholder the first hash of a scheme becomes it', async (t) => {
  const { calls, scheme } = django()
  const hasher = createHasher({ ...LOW, foreign: [scheme] })
  await hasher.verify({ password: 'wrong', hash: null })
  t.equal(calls.length, 0)
  await hasher.verify({ password: 'wrong', hash: OTHER_SCHEMES.djangoPbkdf2 })
  const ok = await hasher.verify({ password: PASSWORD, hash: null })
  t.strictSame(ok, { ok: false, reason: 'no-hash' }, 'a placeholder never lets anyone in')
  t.strictSame(
    calls.map(([password]) => password),
    ['wrong', PASSWORD],
  )
})

t.test('a password in another Unicode form is tried as typed, too', async (t) => {
  const hasher = createHasher({ ...LOW, foreign: [bareSha1] })
  const saved: string[] = []
  const typed = 'cafe\u0301'
  t.match(await hasher.verify({ password: typed, hash: sha1(typed), save: (next) => saved.push(next) }), {
    ok: true,
  })
  t.equal(await bcrypt.compare('caf\u00e9', saved[0] ?? ''), true)
  t.match(await hasher.verify({ password: 'caf\u00e9', hash: sha1(typed) }), { ok: false })
})

t.test('a foreign scheme runs in the bounded queue', async (t) => {
  let end = () => {}
  let started = () => {}
  const hasStarted = new Promise<void>((resolve) => {
    started = resolve
  })
  const slow: ForeignScheme = {
    matches: (hash) => hash === 'slow',
    verify: () => {
      started()
      return new Promise((resolve) => {
        end = () => resolve(true)
      })
    },
  }
  const hasher = createHasher({ ...LOW, concurrency: 1, maxQueue: 0, foreign: [slow] })
  const first = hasher.verify({ password: 'pw', hash: 'slow' })
  await hasStarted
  t.match(hasher.stats, { running: 1 })
  await t.rejects(hasher.verify({ password: 'pw', hash: 'slow' }), { code: 'AUTH_HASH_OVERLOADED' })
  end()
  t.match(await first, { ok: true })
})

t.test('a foreign scheme that throws refuses its own rows, and no others', async (t) => {
  const cause = new Error('its library is broken')
  const broken: ForeignScheme = {
    matches: (hash) => hash.startsWith('broken'),
    verify: () => Promise.reject(cause),
  }
  const hasher = createHasher({ ...LOW, foreign: [broken], placeholders: ['broken'] })
  t.strictSame(await hasher.verify({ password: 'pw', hash: 'broken row' }), {
    ok: false,
    reason: 'foreign-failed',
    cause,
  })
  t.match(await hasher.verify({ password: 'pw', hash: await hasher.hash('pw') }), { ok: true })
  t.strictSame(await hasher.verify({ password: 'pw', hash: null }), { ok: false, reason: 'no-hash' })
})

t.test('what a foreign scheme threw is not published', async (t) => {
  const messages: unknown[] = []
  const listen = (message: unknown) => messages.push(message)
  subscribe('auth-primer:auth-hash:verify', listen)
  t.teardown(() => unsubscribe('auth-primer:auth-hash:verify', listen))
  const verify = () => {
    throw new Error('hunter2')
  }
  await createHasher({ ...LOW, foreign: [{ matches: () => true, verify }] }).verify({
    password: 'pw',
    hash: 'x',
  })
  t.strictSame(messages, [{ ok: false, reason: 'foreign-failed' }])
})

t.test('only true accepts a password, and only true matches a hash', async (t) => {
  for (const answer of ['yes', 1, {}, undefined]) {
    // @ts-expect-error what plain JavaScript may return
    const foreign: ForeignScheme[] = [{ matches: () => true, verify: () => answer }]
    t.match(await createHasher({ ...LOW, foreign }).verify({ password: 'pw', hash: 'x' }), { ok: false })
  }
  // @ts-expect-error a promise is truthy
  const foreign: ForeignScheme[] = [{ matches: async () => false, verify: () => true }]
  t.strictSame(await createHasher({ ...LOW, foreign }).verify({ password: 'pw', hash: 'x' }), {
    ok: false,
    reason: 'malformed-hash',
  })
})

t.test('a foreign scheme is asked before bcrypt, as a pepper of another system needs it', async (t) => {
  const pepper = 'x'.repeat(8)
  const devise: ForeignScheme = {
    matches: (hash) => hash.startsWith('$2a$'),
    verify: (password, hash) => bcrypt.compare(password + pepper, hash),
  }
  const hash = (await bcrypt.hash(`pw${pepper}`, 4)).replace('$2b$', '$2a$')
  t.match(await createHasher({ ...LOW, foreign: [devise] }).verify({ password: 'pw', hash }), { ok: true })
  t.match(await createHasher(LOW).verify({ password: 'pw', hash }), { ok: false })
})

t.test('wrong foreign schemes and placeholders are found when the hasher is made', async (t) => {
  const matches = () => true
  const verify = () => true
  for (const [options, message] of [
    [{ foreign: bareSha1 }, 'Expected `foreign` to be an array, got an object'],
    [{ foreign: [null] }, 'Expected `foreign[0]` to be an object, got null'],
    [{ foreign: [bareSha1, { matches }] }, 'Expected `foreign[1].verify` to be a function, got undefined'],
    [{ foreign: [{ verify }] }, 'Expected `foreign[0].matches` to be a function, got undefined'],
    [{ foreign: [{ matches, verify, compare: verify }] }, 'Unknown option `foreign[0].compare`'],
    [{ placeholders: 'x' }, 'Expected `placeholders` to be an array, got a string'],
    [
      { placeholders: ['x'] },
      'Expected `placeholders` to be hashes that can be verified, got a text that is not one',
    ],
  ] as const) {
    t.throws(() => createHasher(options as unknown as HasherOptions), {
      code: 'AUTH_HASH_INVALID_OPTION',
      message,
    })
  }
})
