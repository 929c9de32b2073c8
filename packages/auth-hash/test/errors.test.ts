import { readdirSync, readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import t from 'tap'
import { createHasher } from '../src/create-hasher.ts'
import { AuthHashError, type AuthHashErrorCode, describeKind, OverloadedError } from '../src/errors.ts'

const sources = new URL('../src/', import.meta.url)
const pages = new URL('../../../docs/errors/', import.meta.url)

t.test('every code has a page, and every page a code', async (t) => {
  const declared = readFileSync(new URL('errors.ts', sources), 'utf8').match(/(?<=\| ')AUTH_HASH_\w+/g)
  const described = readdirSync(pages).filter((name) => name.startsWith('AUTH_HASH_'))
  t.strictSame(described.sort(), declared?.map((code) => `${code}.md`).sort())
})

t.test('every page says what happened, why, how to fix it, and where to learn more', async (t) => {
  for (const name of readdirSync(pages).filter((name) => name.startsWith('AUTH_HASH_'))) {
    const page = readFileSync(new URL(name, pages), 'utf8')
    t.ok(page.startsWith(`# ${name.replace('.md', '')}: `), name)
    const headings = page.match(/^## .+$/gm)
    t.strictSame(headings, ['## What happened', '## Why', '## How to fix it', '## Learn more'], name)
  }
})

t.test('an error shows no password, hash or key, however it is looked at', async (t) => {
  const secret = 'hunter2-hunter2-hunter2-hunter2-hunter2'
  const hasher = createHasher({
    cost: 4,
    unsafeLowCost: true,
    concurrency: 1,
    maxQueue: 0,
    pepper: { current: 'a', keys: { a: Buffer.from(secret) } },
  })
  const running = hasher.hash('pw')
  const errors: unknown[] = []
  for (const password of [`${secret}\0`, `${secret}\ud800`, secret.repeat(30), { secret }, secret]) {
    errors.push(await hasher.hash(password as string).catch((error) => error))
  }
  await running
  for (const options of [{ cost: secret }, { scheme: secret }, { pepper: secret }, secret]) {
    try {
      createHasher(options as never)
    } catch (error) {
      errors.push(error)
    }
  }
  t.equal(errors.length, 9)
  for (const error of [...errors, hasher]) {
    const shown = [String(error), inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error)].join(
      '\n',
    )
    t.notMatch(shown, 'hunter2')
  }
  for (const error of errors) t.ok(error instanceof AuthHashError)
})

t.test('an error has the status and headers that it has over HTTP, in any framework', async (t) => {
  const status = (code: AuthHashErrorCode) => new AuthHashError(code, '').statusCode
  for (const code of [
    'AUTH_HASH_INVALID_ARGUMENT',
    'AUTH_HASH_PASSWORD_TOO_LONG',
    'AUTH_HASH_PASSWORD_HAS_NUL',
    'AUTH_HASH_PASSWORD_NOT_UNICODE',
  ] as const) {
    t.equal(status(code), 400, code)
  }
  for (const code of ['AUTH_HASH_INVALID_OPTION', 'AUTH_HASH_BCRYPT_UNAVAILABLE'] as const) {
    t.equal(status(code), 500, code)
  }
  t.match(new OverloadedError(7), { statusCode: 503, headers: { 'retry-after': '7' } })
  const hasher = createHasher({ cost: 4, unsafeLowCost: true, concurrency: 1, maxQueue: 0 })
  const first = hasher.hash('pw')
  const error = await hasher.hash('pw').catch((error) => error)
  t.match(error, { statusCode: 503, headers: { 'retry-after': '1' } })
  await first
})

t.test('an error has a code, a name and a stack', async (t) => {
  const error = new OverloadedError(7)
  t.match(error, { name: 'AuthHashError', code: 'AUTH_HASH_OVERLOADED', retryAfter: 7 })
  t.ok(error instanceof AuthHashError)
  t.match(error.stack, /^AuthHashError: Too many/)
})

t.test('tells the kind of a value', async (t) => {
  t.strictSame([null, undefined, [], {}, 1, 'a', true, 1n, () => 1].map(describeKind), [
    'null',
    'undefined',
    'an array',
    'an object',
    'a number',
    'a string',
    'a boolean',
    'a bigint',
    'a function',
  ])
})
