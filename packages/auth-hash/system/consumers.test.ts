/** The package as others get it: packed, installed into a project of its own, imported by name. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
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

// In place of the DOM's types, whose check takes seconds.
const GLOBALS = `
interface AbortSignal {}
declare const console: { log(value: unknown): void }
`
const TYPED = `
/// <reference path="globals.d.ts" />
import { AuthHashError, createHasher, type Verdict } from '@auth-primer/auth-hash'
const verdict: Promise<Verdict> = createHasher({ cost: 12 }).verify({ password: 'a', hash: null })
verdict.then((it) => console.log(it.ok ? it.needsRehash : it.reason))
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
const [{ filename }] = JSON.parse(packed.out) as [{ filename: string }]
const tarball = join(dir, basename(filename))

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

  const command = await run(esm, 'node_modules/.bin/auth-hash', 'explain', 'garbage')
  t.match(command, { exitCode: 1, out: '', err: /^Expected a hash of bcrypt/ }, 'and has the command')

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
