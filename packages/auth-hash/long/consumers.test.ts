/** The package as others get it: packed, installed into a project of its own, imported by name. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { node, packFor, runToEnd, tsc } from '../../../test-support/consumer.ts'
import { CHECKOUT } from '../../../test-support/process.ts'

const consumers = packFor(t, 'auth-hash')

const VALUES = `
const hasher = createHasher({ cost: 10 })
hasher.hash('p@5sw0rd')
  .then((hash) => Promise.all([
    hasher.verify({ password: 'p@5sw0rd', hash }),
    hasher.verify({ password: 'p@5sw0rD', hash }),
    compare('p@5sw0rd', hash),
  ]))
  .then((answers) => console.log(JSON.stringify(answers)))
`
const ANSWERS = '[{"ok":true,"needsRehash":false},{"ok":false,"reason":"wrong-password"},true]\n'

// No library of types is needed, neither the DOM's nor @types/node.
const TYPED = `
declare const console: { log(value: unknown): void }
import { AuthHashError, createHasher, type Verdict } from '@auth-primer/auth-hash'
const verdict: Promise<Verdict> = createHasher({ cost: 12 }).verify({ password: 'a', hash: null })
verdict.then((it) => console.log(it.ok ? it.needsRehash : it.reason))
const query: (sql: string) => Promise<{ rowCount: number }> = async () => ({ rowCount: 1 })
createHasher().verify({ password: 'a', hash: null, save: () => query('UPDATE users') })
createHasher().verify({ password: 'a', hash: null, save: () => 1 })
createHasher({ foreign: [{ matches: (hash) => hash === '', verify: async () => false }] })
new AuthHashError('AUTH_HASH_OVERLOADED', '') satisfies Error
`
const MISTAKEN = `
declare const console: { log(value: unknown): void }
import { createHasher, compare } from '@auth-primer/auth-hash'
const hasher = createHasher()
hasher.verify({ password: 'a' })
hasher.verify('a', 'b')
hasher.verify({ password: 'a', hash: null }).then((verdict) => console.log(verdict.reason))
compare('$2b$12$', 'a')
`

t.test('an ES module imports it', async (t) => {
  const esm = consumers.create('esm', {
    'package.json': '{ "type": "module", "private": true }',
    'main.js': `import { createHasher, compare } from '@auth-primer/auth-hash'\n${VALUES}`,
    'typed.ts': TYPED,
    'mistaken.ts': MISTAKEN,
  })
  t.match(await consumers.install(esm), { exitCode: 0 })
  t.strictSame(await node(esm, 'main.js'), { exitCode: 0, out: ANSWERS, err: '' })

  const command = await runToEnd(esm, 'npx', '--no', '@auth-primer/auth-hash', 'explain', 'garbage')
  t.match(command, { exitCode: 1, out: '', err: /^Expected a hash of bcrypt/ }, 'and npx runs the command')

  const settings = '--noEmit --strict --skipLibCheck false --target es2023 --lib es2023 --module'
  const [mistaken, ...typed] = await Promise.all([
    tsc(esm, `${settings} nodenext mistaken.ts`),
    tsc(esm, `${settings} node16 typed.ts`),
    tsc(esm, `${settings} nodenext typed.ts`),
    tsc(esm, `${settings} esnext --moduleResolution bundler typed.ts`),
  ])
  for (const outcome of typed)
    t.strictSame(outcome, { exitCode: 0, out: '', err: '' }, 'its declarations compile')
  t.strictSame(
    mistaken.out.match(/(?<=mistaken.ts\()\d+/g),
    ['5', '6', '7', '8'],
    'a missing hash, a swapped call and an unchecked reason do not',
  )
})

t.test('CommonJS requires it, without a warning', async (t) => {
  const cjs = consumers.create('cjs', {
    'package.json': '{ "type": "commonjs", "private": true }',
    'main.js': `const { createHasher, compare } = require('@auth-primer/auth-hash')\n${VALUES}`,
    'plugin.js': "console.log(typeof require('@auth-primer/auth-hash/fastify').default)",
    'typed.ts': TYPED,
  })
  t.match(await consumers.install(cjs), { exitCode: 0 })
  t.strictSame(await node(cjs, 'main.js'), { exitCode: 0, out: ANSWERS, err: '' })
  t.strictSame(await node(cjs, 'plugin.js'), { exitCode: 0, out: 'function\n', err: '' })

  const typed = await tsc(cjs, '--noEmit --strict --lib es2023 --module nodenext typed.ts')
  t.strictSame(typed, { exitCode: 0, out: '', err: '' })
})

t.test(
  'without bcrypt’s binary the package is imported and explains, and bcrypt’s absence has a code',
  async (t) => {
    const broken = consumers.create('broken', {
      'package.json': '{ "type": "module", "private": true }',
      'main.js': `
import { createHasher, explain, selfTest } from '@auth-primer/auth-hash'
console.log(explain('$2b$12$zQ4CooEXdGqcwi0PHsgc8eAf0DLXE/XHoBE8kCSGQ97rXwuClaPam').cost)
for (const call of [selfTest(), createHasher().hash('pw')]) {
  await call.catch(({ code, cause }) => console.log(code, cause instanceof Error))
}`,
    })
    t.match(await consumers.install(broken), { exitCode: 0 })
    for (const folder of ['prebuilds', 'build']) {
      rmSync(join(broken, 'node_modules/bcrypt', folder), { recursive: true, force: true })
    }
    const unavailable = 'AUTH_HASH_BCRYPT_UNAVAILABLE true\n'
    t.strictSame(await node(broken, 'main.js'), {
      exitCode: 0,
      out: `12\n${unavailable}${unavailable}`,
      err: '',
    })
  },
)

t.test('Argon2id passes its tests on Node.js 24', async (t) => {
  const args = [
    '-y',
    '-p',
    'node@24',
    'node',
    '--import',
    '../../test-support/strip-types/register.js',
    'test/argon2.test.ts',
  ]
  const { exitCode, out } = await runToEnd(join(CHECKOUT, 'packages/auth-hash'), 'npx', ...args)
  t.equal(exitCode, 0, out)
  t.match(out, /^ok \d+ - argon2id has OWASP’s parameters(?!.*SKIP)/m, 'and does not skip them')
})

t.test('in the repository the command runs from the sources', async (t) => {
  const hash = '$2b$12$zQ4CooEXdGqcwi0PHsgc8eAf0DLXE/XHoBE8kCSGQ97rXwuClaPam'
  const command = ['run', '--silent', 'hash', '--', 'explain']
  t.match(await runToEnd(CHECKOUT, 'npm', ...command, hash), {
    exitCode: 0,
    out: /^cost +12$/m,
  })
  t.match(await runToEnd(CHECKOUT, 'npm', ...command, 'garbage'), { exitCode: 1, out: '' })
})
