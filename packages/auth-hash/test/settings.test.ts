import type { Test } from 'tap'
import t from 'tap'
import { createHasher } from '../src/create-hasher.ts'
import type { HasherOptions } from '../src/options.ts'
import { DEFAULTS } from '../src/options.ts'
import { defaultConcurrency, resolveSettings } from '../src/settings.ts'

const code = 'AUTH_HASH_INVALID_OPTION'
const key = new Uint8Array(32)

/** Options as plain JavaScript may give them. */
const refuses = (t: Test, options: unknown, message: string) =>
  t.throws(() => createHasher(options as HasherOptions), { code, message })

t.test('fills in the defaults', async (t) => {
  const { concurrency, maxQueue, ...rest } = resolveSettings({})
  t.strictSame(rest, {
    scheme: 'bcrypt',
    cost: 12,
    maxCost: 15,
    memory: 19_456,
    passes: 2,
    pepper: undefined,
    legacyTruncate: false,
    foreign: [],
    placeholders: [],
  })
  t.ok(concurrency >= 1)
  t.equal(maxQueue, DEFAULTS.queuePerThread * concurrency)
  t.ok(Object.isFrozen(DEFAULTS))
})

t.test('names the option, what was expected and what kind of thing came', async (t) => {
  refuses(t, { cost: '10' }, 'Expected `cost` to be an integer from 10 to 15, got a string')
  refuses(t, { cost: 9 }, 'Expected `cost` to be an integer from 10 to 15, got another integer')
  refuses(
    t,
    { cost: 3, unsafeLowCost: true },
    'Expected `cost` to be an integer from 4 to 15, got another integer',
  )
  refuses(t, { cost: 12.9 }, 'Expected `cost` to be an integer from 10 to 15, got a number')
  refuses(t, { maxCost: 11 }, 'Expected `maxCost` to be an integer from 12 to 20, got another integer')
  refuses(t, { maxCost: 31 }, 'Expected `maxCost` to be an integer from 12 to 20, got another integer')
  refuses(
    t,
    { concurrency: 0 },
    'Expected `concurrency` to be an integer from 1 to 1024, got another integer',
  )
  refuses(t, { maxQueue: -1 }, 'Expected `maxQueue` to be an integer from 0 to 100000, got another integer')
  refuses(t, { maxQueue: null }, 'Expected `maxQueue` to be an integer from 0 to 100000, got null')
  refuses(t, { legacyTruncate: 1 }, 'Expected `legacyTruncate` to be a boolean, got a number')
  refuses(t, { unsafeLowCost: 'yes' }, 'Expected `unsafeLowCost` to be a boolean, got a string')
  refuses(
    t,
    { scheme: 'md5' },
    "Expected `scheme` to be 'bcrypt', or 'bcrypt-sha256' or 'argon2id', which take a pepper, got a string",
  )
  refuses(t, { rounds: 12 }, 'Unknown option `rounds`')
  refuses(t, 12, 'Expected `options` to be an object, got a number')
  refuses(t, null, 'Expected `options` to be an object, got null')
})

t.test('takes what is within bounds', async (t) => {
  t.match(resolveSettings({ cost: 10, maxCost: 10 }), { cost: 10, maxCost: 10 })
  t.match(resolveSettings({ cost: 15, maxCost: 20 }), { cost: 15, maxCost: 20 })
  t.match(resolveSettings({ concurrency: 8 }), { concurrency: 8, maxQueue: 256 })
  t.match(resolveSettings({ maxQueue: 0 }), { maxQueue: 0 })
})

t.test('a pepper needs its keys, and the scheme that takes one', async (t) => {
  const pepper = { current: 'a', keys: { a: key } }
  t.match(resolveSettings({ pepper }), { scheme: 'bcrypt-sha256', pepper: { current: 'a' } })
  refuses(
    t,
    { pepper, scheme: 'bcrypt' },
    "Expected `scheme` to be 'bcrypt', or 'bcrypt-sha256' or 'argon2id', which take a pepper, got a string",
  )
  refuses(t, { pepper: 'secret' }, 'Expected `pepper` to be an object, got a string')
  refuses(t, { pepper: null }, 'Expected `pepper` to be an object, got null')
  refuses(t, { pepper: { current: 'a' } }, 'Expected `pepper.keys` to be an object, got undefined')
  refuses(t, { pepper: { current: 'a', keys: null } }, 'Expected `pepper.keys` to be an object, got null')
  refuses(
    t,
    { pepper: { current: 'b', keys: { a: key } } },
    'Expected `pepper.current` to be an id of `pepper.keys`, got a string',
  )
  for (const id of ['', 'a,b', 'a$b', 'ä', 'a'.repeat(33)]) {
    refuses(
      t,
      { pepper: { current: id, keys: { [id]: key } } },
      'Expected the ids of `pepper.keys` to be 1 to 32 of A-Z, a-z, 0-9, `.` and `-`',
    )
  }
  for (const [weak, kind] of [
    [new Uint8Array(31), 'an object'],
    ['a string of thirty-two characters', 'a string'],
    [undefined, 'undefined'],
  ]) {
    refuses(
      t,
      { pepper: { current: 'a', keys: { a: weak } } },
      `Expected \`pepper.keys\` to be secret keys of at least 32 bytes, each a Uint8Array, got ${kind}`,
    )
  }
})

t.test('an option with an unknown name is an error, wherever it is given', async (t) => {
  const code = 'AUTH_HASH_INVALID_OPTION'
  const hasher = createHasher({ cost: 4, unsafeLowCost: true })
  const pepper = { current: 'a', keys: { a: key }, curent: 'b' }
  refuses(t, { pepper }, 'Unknown option `pepper.curent`')
  // @ts-expect-error the name is wrong
  await t.rejects(hasher.hash('pw', { sginal: null }), { code, message: 'Unknown option `sginal`' })
  // @ts-expect-error bcrypt's rounds
  await t.rejects(hasher.hash('pw', 12), {
    code,
    message: 'Expected `options` to be an object, got a number',
  })
  // @ts-expect-error the name is wrong
  await t.rejects(hasher.verify({ password: 'pw', hash: null, onSave() {} }), {
    message: 'Unknown option `onSave`',
  })
  // @ts-expect-error the signal belongs to the input
  await t.rejects(hasher.verify({ password: 'pw', hash: null }, { signal: null }), {
    message: 'Unknown option `signal`',
  })
  // @ts-expect-error by position
  await t.rejects(hasher.verify('pw', null), {
    code,
    message: 'Expected `input` to be an object, got a string',
  })
  // @ts-expect-error save is a function
  await t.rejects(hasher.verify({ password: 'pw', hash: null, save: true }), { code })
  // @ts-expect-error the name is wrong
  t.throws(() => hasher.reserve({ kye: 'a' }), { code, message: 'Unknown option `kye`' })
  t.match(hasher.stats, { running: 0, waiting: 0, finished: 0 }, 'before any work')
})

t.test('options are left as they are', async (t) => {
  const options = Object.freeze({ cost: 10, pepper: Object.freeze({ current: 'a', keys: { a: key } }) })
  t.doesNotThrow(() => createHasher(options))
})

t.test('a thread for each core, two of libuv’s left free, and never none', async (t) => {
  for (const [cores, threadPoolSize, expected] of [
    [2, 4, 2],
    [8, 4, 2],
    [8, 16, 8],
    [1, 4, 1],
    [8, 3, 1],
    [8, 2, 1],
    [8, 1, 1],
  ] as const) {
    t.equal(
      defaultConcurrency({ cores, threadPoolSize }),
      expected,
      `${cores} cores, ${threadPoolSize} threads`,
    )
  }
})

t.test('reads the size of the thread pool as libuv does', async (t) => {
  const { UV_THREADPOOL_SIZE: before } = process.env
  t.teardown(() => {
    if (before === undefined) delete process.env.UV_THREADPOOL_SIZE
    else process.env.UV_THREADPOOL_SIZE = before
  })
  for (const size of ['1', '3', 'none', '']) {
    process.env.UV_THREADPOOL_SIZE = size
    t.equal(resolveSettings({}).concurrency, 1, size)
  }
  delete process.env.UV_THREADPOOL_SIZE
  t.ok(resolveSettings({}).concurrency <= 2)
})
