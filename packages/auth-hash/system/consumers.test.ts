/** The package as others get it: packed, installed into a project of its own, imported by name. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const packageDir = fileURLToPath(new URL('..', import.meta.url))
const bin = fileURLToPath(new URL('../../../node_modules/.bin', import.meta.url))
const tsc = join(bin, 'tsc')

/** npm's own variables would make an npm inside a test act on this repository. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
delete env.NODE_OPTIONS

interface Outcome {
  readonly exitCode: unknown
  readonly out: string
  readonly err: string
}

function run(cwd: string, command: string, ...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env }, (error, out, err) =>
      resolve({ exitCode: error?.code ?? 0, out, err }),
    )
  })
}

const node = (cwd: string, ...args: string[]) => run(cwd, process.execPath, ...args)

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

// Instead of the DOM's types, whose check takes seconds.
const GLOBALS = `
interface AbortSignal {}
declare const console: { log(value: unknown): void }
`
const TYPED = `
/// <reference path="globals.d.ts" />
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
/// <reference path="globals.d.ts" />
import { createHasher, compare } from '@auth-primer/auth-hash'
const hasher = createHasher()
hasher.verify({ password: 'a' })
hasher.verify('a', 'b')
hasher.verify({ password: 'a', hash: null }).then((verdict) => console.log(verdict.reason))
compare('$2b$12$', 'a')
`

const install = [
  'install',
  '--prefer-offline',
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
]
// Outside this repository, whose own node_modules would make up for a dependency that the package forgot.
const dir = mkdtempSync(join(tmpdir(), 'auth-hash-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true }))

function project(name: string, files: Record<string, string>): string {
  const folder = join(dir, name)
  mkdirSync(folder)
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  return folder
}

await run(packageDir, process.execPath, tsc, '-b')
const packed = await run(packageDir, 'npm', 'pack', '--json', '--loglevel=error', '--pack-destination', dir)
const [{ filename, files }] = JSON.parse(packed.out) as [{ filename: string; files: { path: string }[] }]
const tarball = join(dir, basename(filename))

t.test(
  'npm pack contains the built files, their types, the README, the changelog and the license',
  async (t) => {
    const sources = readdirSync(join(packageDir, 'src'), { recursive: true, encoding: 'utf8' })
    const built = sources
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => ['.d.ts', '.js'].map((ending) => `dist/${name.replace(/\.ts$/, ending)}`))
    t.strictSame(
      files.map(({ path }) => path).sort(),
      ['CHANGELOG.md', 'LICENSE', 'README.md', ...built, 'package.json'].sort(),
    )
  },
)

t.test('publint finds nothing', async (t) => {
  const { exitCode, out } = await run(dir, join(bin, 'publint'), '--strict', tarball)
  t.match({ exitCode, out }, { exitCode: 0, out: /All good!/ })
})

t.test('the types are right for everyone who imports ES modules', async (t) => {
  const { exitCode, out } = await run(packageDir, join(bin, 'attw'), '--no-emoji', tarball)
  t.equal(exitCode, 0, out)
})

t.test('an ES module imports it', async (t) => {
  const esm = project('esm', {
    'package.json': '{ "type": "module", "private": true }',
    'main.js': `import { createHasher, compare } from '@auth-primer/auth-hash'\n${VALUES}`,
    'globals.d.ts': GLOBALS,
    'typed.ts': TYPED,
    'mistaken.ts': MISTAKEN,
  })
  t.match(await run(esm, 'npm', ...install, tarball), { exitCode: 0 })
  t.strictSame(await node(esm, 'main.js'), { exitCode: 0, out: ANSWERS, err: '' })

  const command = await run(esm, 'npx', '--no', '@auth-primer/auth-hash', 'explain', 'garbage')
  t.match(command, { exitCode: 1, out: '', err: /^Expected a hash of bcrypt/ }, 'and npx runs the command')

  const settings = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    'false',
    '--target',
    'es2023',
    '--lib',
    'es2023',
  ]
  const [mistaken, ...typed] = await Promise.all([
    node(esm, tsc, ...settings, '--module', 'nodenext', 'mistaken.ts'),
    node(esm, tsc, ...settings, '--module', 'node16', 'typed.ts'),
    node(esm, tsc, ...settings, '--module', 'nodenext', 'typed.ts'),
    node(esm, tsc, ...settings, '--module', 'esnext', '--moduleResolution', 'bundler', 'typed.ts'),
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
  const cjs = project('cjs', {
    'package.json': '{ "type": "commonjs", "private": true }',
    'main.js': `const { createHasher, compare } = require('@auth-primer/auth-hash')\n${VALUES}`,
    'plugin.js': "console.log(typeof require('@auth-primer/auth-hash/fastify').default)",
    'globals.d.ts': GLOBALS,
    'typed.ts': TYPED,
  })
  t.match(await run(cjs, 'npm', ...install, tarball), { exitCode: 0 })
  t.strictSame(await node(cjs, 'main.js'), { exitCode: 0, out: ANSWERS, err: '' })
  t.strictSame(await node(cjs, 'plugin.js'), { exitCode: 0, out: 'function\n', err: '' })

  const typed = await node(
    cjs,
    tsc,
    '--noEmit',
    '--strict',
    '--lib',
    'es2023',
    '--module',
    'nodenext',
    'typed.ts',
  )
  t.strictSame(typed, { exitCode: 0, out: '', err: '' })
})

const readme = readFileSync(join(packageDir, 'README.md'), 'utf8')
/** Returns a block of code that the README shows for a framework. */
function readBlock(name: string): string {
  const [, code] = new RegExp(`^\`\`\`\\w+ file=${name}\\n(.+?)^\`\`\`$`, 'ms').exec(readme) ?? []
  if (code === undefined) throw new Error(`Expected a block for ${name} in the README`)
  return code
}

/** Posts to a server on a port of its own, and prints each response on a line. */
const POSTS = `
async function post(url, body) {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  const type = response.headers.get('content-type') ?? ''
  const text = await response.text()
  console.log(response.status, response.headers.get('retry-after'), type.includes('json') ? text : 'no JSON')
}
`

t.test(
  'without bcrypt’s binary the package is imported and explains, and bcrypt’s absence has a code',
  async (t) => {
    const broken = project('broken', {
      'package.json': '{ "type": "module", "private": true }',
      'main.js': `
import { createHasher, explain, selfTest } from '@auth-primer/auth-hash'
console.log(explain('$2b$12$zQ4CooEXdGqcwi0PHsgc8eAf0DLXE/XHoBE8kCSGQ97rXwuClaPam').cost)
for (const call of [selfTest(), createHasher().hash('pw')]) {
  await call.catch(({ code, cause }) => console.log(code, cause instanceof Error))
}`,
    })
    t.match(await run(broken, 'npm', ...install, tarball), { exitCode: 0 })
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

for (const version of [3, 4, 5]) {
  t.test(`a project with Fastify ${version} installs it`, async (t) => {
    const folder = project(`fastify${version}`, {
      'package.json': '{ "type": "module", "private": true }',
      'main.js': `
import authHash from '@auth-primer/auth-hash/fastify'
import fastify from 'fastify'
const app = fastify()
await app.register(authHash, { cost: 4, unsafeLowCost: true, concurrency: 1, maxQueue: 0 })
app.post('/', (request) => app.hasher.hash(request.body.password))
const post = (password) => app.inject({ method: 'POST', url: '/', payload: { password } })
console.log((await post(1234)).statusCode)
const [, overloaded] = await Promise.all([post('one'), post('two')])
console.log(overloaded.statusCode, overloaded.headers['retry-after'])`,
    })
    t.match(await run(folder, 'npm', ...install, `fastify@${version}`), { exitCode: 0 })
    t.match(await run(folder, 'npm', ...install, tarball), { exitCode: 0, err: '' })
    const outcome = await node(folder, 'main.js')
    if (version === 3) t.match(outcome, { exitCode: 1, err: /fastify-plugin: .*expected '4.x \|\| 5.x'/ })
    else t.strictSame(outcome, { exitCode: 0, out: '400\n503 1\n', err: '' })
  })
}

t.test('the README’s Express app responds with the statuses of the errors', async (t) => {
  const folder = project('express', {
    'package.json': '{ "type": "module", "private": true }',
    'app.js': readBlock('express'),
    'main.js': `
import { app } from './app.js'
${POSTS}
const server = app.listen(0, async () => {
  const url = \`http://localhost:\${server.address().port}\`
  const ada = { email: 'ada@example.com', password: 'correct horse' }
  await post(url + '/users', ada)
  await post(url + '/login', ada)
  await post(url + '/login', { ...ada, password: 'wrong horse' })
  await post(url + '/login', { ...ada, password: 1234 })
  await post(url + '/users', { ...ada, password: 'x'.repeat(73) })
  await post(url + '/users')
  server.close()
})`,
    'default.cjs': `
const { createHasher } = require('@auth-primer/auth-hash')
const express = require('express')
${POSTS}
const hasher = createHasher({ cost: 4, unsafeLowCost: true, concurrency: 1, maxQueue: 0 })
const app = express().use(express.json())
app.post('/', async (req, res) => res.json(await hasher.hash(req.body.password)))
app.post('/two', async (req, res) => {
  const first = hasher.hash('pw')
  await hasher.hash('pw').finally(() => first)
})
const server = app.listen(0, async () => {
  const url = \`http://localhost:\${server.address().port}\`
  await post(url, { password: 1234 })
  await post(url + '/two', {})
  server.close()
})`,
  })
  t.match(await run(folder, 'npm', ...install, tarball, 'express@5'), { exitCode: 0 })
  const { exitCode, out, err } = await node(folder, 'main.js')
  t.strictSame({ exitCode, err }, { exitCode: 0, err: '' })
  t.match(out.trimEnd().split('\n'), [
    '201 null {"email":"ada@example.com"}',
    '200 null {"ok":true}',
    '403 null {"ok":false}',
    /^400 null \{"code":"AUTH_HASH_INVALID_ARGUMENT"/,
    /^400 null \{"code":"AUTH_HASH_PASSWORD_TOO_LONG"/,
    /^400 null \{"code":"AUTH_HASH_INVALID_ARGUMENT"/,
  ])
  const byDefault = await node(folder, 'default.cjs')
  t.match(
    byDefault,
    { exitCode: 0, out: '400 null no JSON\n503 1 no JSON\n' },
    'as does Express’s own handler',
  )
})

t.test('the README’s NestJS app compiles, and responds with the statuses of the errors', async (t) => {
  const folder = project('nest', {
    'package.json': '{ "type": "module", "private": true }',
    'app.ts': readBlock('nestjs'),
    'main.mjs': `
import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.js'
${POSTS}
const app = await NestFactory.create(AppModule, { logger: false })
await app.listen(0)
const url = await app.getUrl()
await post(url + '/users', { password: 1234 })
await post(url + '/users', { password: 'x'.repeat(73) })
await post(url + '/users', { password: 'correct horse' })
await app.close()`,
  })
  const packages = [
    '@nestjs/common@11',
    '@nestjs/core@11',
    '@nestjs/platform-express@11',
    'reflect-metadata',
    'rxjs',
  ]
  t.match(await run(folder, 'npm', ...install, tarball, ...packages, '@types/node@20'), { exitCode: 0 })
  const options = [
    '--strict',
    '--skipLibCheck',
    '--target',
    'es2023',
    '--module',
    'nodenext',
    '--experimentalDecorators',
  ]
  t.strictSame(await node(folder, tsc, ...options, 'app.ts'), { exitCode: 0, out: '', err: '' })
  const { exitCode, out, err } = await node(folder, 'main.mjs')
  t.strictSame({ exitCode, err }, { exitCode: 0, err: '' })
  t.match(out.trimEnd().split('\n'), [
    /^400 null \{"code":"AUTH_HASH_INVALID_ARGUMENT"/,
    /^400 null \{"code":"AUTH_HASH_PASSWORD_TOO_LONG"/,
    /^201 null \{"hash":"\$2b\$12\$/,
  ])
})

t.test('Jest runs it in the two ways of the README, and not without them', async (t) => {
  const folder = project('jest', {
    'package.json': '{ "private": true }',
    'babel.config.json': '{ "presets": [["@babel/preset-env", { "targets": { "node": "current" } }]] }',
    'required.test.js': `
const { hash, explain } = require('@auth-primer/auth-hash')
test('hashes', async () => expect(explain(await hash('p@5sw0rd')).cost).toBe(12))`,
    'imported.test.js': `
test('hashes', async () => {
  const { hash, explain } = await import('@auth-primer/auth-hash')
  expect(explain(await hash('p@5sw0rd')).cost).toBe(12)
})`,
    'transform.json': /\{ "transformIgnorePatterns".*\}/.exec(readme)?.[0] ?? '',
  })
  t.match(await run(folder, 'npm', ...install, tarball, 'jest@30', '@babel/preset-env@7', '@babel/core@7'), {
    exitCode: 0,
  })
  const jest = join(folder, 'node_modules/jest/bin/jest.js')
  t.match(await node(folder, jest, 'required'), { exitCode: 1, err: /Must use import to load ES Module/ })
  t.match(await node(folder, jest, '--config', 'transform.json', 'required'), {
    exitCode: 0,
    err: /1 passed/,
  })
  t.match(await node(folder, '--experimental-vm-modules', jest, 'imported'), { exitCode: 0, err: /1 passed/ })
})

t.test('Argon2id passes its tests on Node.js 24', async (t) => {
  const args = ['-y', '-p', 'node@24', 'node', '--import', 'ts-blank-space/register', 'test/argon2.test.ts']
  const { exitCode, out } = await run(packageDir, 'npx', ...args)
  t.equal(exitCode, 0, out)
  t.match(out, /^ok \d+ - argon2id has OWASP’s parameters(?!.*SKIP)/m, 'and does not skip them')
})

t.test('in the repository the command runs from the sources', async (t) => {
  const hash = '$2b$12$zQ4CooEXdGqcwi0PHsgc8eAf0DLXE/XHoBE8kCSGQ97rXwuClaPam'
  const command = ['run', '--silent', 'hash', '--', 'explain']
  t.match(await run(packageDir, 'npm', '--prefix', '../..', ...command, hash), {
    exitCode: 0,
    out: /^cost +12$/m,
  })
  t.match(await run(packageDir, 'npm', '--prefix', '../..', ...command, 'garbage'), { exitCode: 1, out: '' })
})
