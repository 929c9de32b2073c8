import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const packageFolder = fileURLToPath(new URL('..', import.meta.url))
const bin = (name: string) => fileURLToPath(new URL(`../../../node_modules/.bin/${name}`, import.meta.url))

// An npm or node inside of a test is not to act on this repository, nor to be covered.
const env = { ...process.env }
for (const name of Object.keys(env)) if (/^(npm_|NODE_OPTIONS$|TAP)/.test(name)) delete env[name]

function run(cwd: string, file: string, ...args: string[]): Promise<{ code: unknown; out: string }> {
  return new Promise((resolve) => {
    execFile(file, args, { cwd, env }, (problem, stdout, stderr) =>
      resolve({ code: problem?.code ?? 0, out: stdout + stderr }),
    )
  })
}

// Away from the repository, whose node_modules would hide what the package forgot to depend on.
const folder = mkdtempSync(path.join(tmpdir(), 'jwt-kit-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))

const packed = await run(
  packageFolder,
  'npm',
  'pack',
  '--json',
  '--loglevel=error',
  '--pack-destination',
  folder,
)
const [{ filename, files }] = JSON.parse(packed.out) as [{ filename: string; files: { path: string }[] }]
const tarball = path.join(folder, path.basename(filename))

const install = [
  'install',
  '--prefer-offline',
  '--ignore-scripts',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
]

const USE = `
const access = tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String() }) })
const keys = keyring('HS256', [{ kid: '2026-11', key: randomBytes(32) }])
const kit = jwtKit({ issuer: 'https://auth.shop.example', keys, kinds: { access } })
kit.access.verify(kit.access.sign({ sub: '7' })).then(claims => console.log(claims.sub, testClock().now()))
`
const IMPORTS = `
import { randomBytes } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import { bearerToken, type Claims, jwtKit, keyring, rfc9068Kind, tokenKind } from '@auth-primer/jwt-kit'
import { forge, testClock } from '@auth-primer/jwt-kit/testing'
`
const TYPED = `${IMPORTS}${USE}
// @ts-expect-error a claim of another type
kit.access.sign({ sub: 7 })
// @ts-expect-error a claim too many
kit.access.sign({ sub: '7', extra: 1 })
// @ts-expect-error no such kind
kit.refresh
// @ts-expect-error a regular expression is not a key
keyring('HS256', [{ kid: 'x', key: /re/ }])
// @ts-expect-error an unknown option
kit.access.sign({ sub: '7' }, { expiresIn: '1s' })
bearerToken(new Request('https://shop.example')) satisfies string
// @ts-expect-error a length without a unit
tokenKind('x+jwt', { ttl: 60, claims: access.claims })
kit.access.verify('x') satisfies Promise<Claims<typeof access.claims>>
kit.access.sign({ sub: '7' }) satisfies string
forge(kit.access, { sub: '7' }, { claims: { exp: 1 } }) satisfies string
rfc9068Kind({ ttl: '5m', claims: Type.Object({ sub: Type.String(), client_id: Type.String() }) }).typ satisfies string
kit.access.guard() satisfies (request: { raw: { rawHeaders: string[] }; headers: { authorization?: string } }) => Promise<void>
`
const STRICT = [
  '--noEmit',
  '--strict',
  '--exactOptionalPropertyTypes',
  '--target',
  'es2023',
  '--lib',
  'es2023',
  '--types',
  'node',
]

const cwd = path.join(folder, 'consumer')
mkdirSync(cwd)
const values = IMPORTS.replace('type Claims, ', '')
for (const [file, text] of Object.entries({
  'package.json': '{ "private": true }',
  'main.mjs': values + USE,
  'main.cjs': values.replace(/import (.+) from (.+)/g, 'const $1 = require($2)') + USE,
  'typed.mts': TYPED,
  'typed.cts': TYPED,
})) {
  writeFileSync(path.join(cwd, file), text)
}
const installed = await run(cwd, 'npm', ...install, tarball, '@sinclair/typebox@0.34', '@types/node@20')

const COMMENTS = /^ *\*.*$/gm

t.test('the core declares nothing that needs Fastify, and augments no type of it', async (t) => {
  const declarations = files.filter(
    (file) => /\.d\.ts$/.test(file.path) && !file.path.endsWith('/fastify.d.ts'),
  )
  t.ok(declarations.length > 20)
  for (const { path: name } of declarations) {
    const text = readFileSync(path.join(packageFolder, name), 'utf8').replace(COMMENTS, '')
    t.notMatch(
      text,
      /(from|import\() ?['"](@?fastify|fast-jwt|@sinclair|typebox)|declare (module|global)/,
      name,
    )
  }
})

const PRINTS = { code: 0, out: `7 ${Date.parse('2026-01-01')}\n` }

t.test(
  'is imported by ES modules and required by CommonJS, without Fastify and without a warning',
  async (t) => {
    t.match(installed, { code: 0 })
    t.notOk(existsSync(path.join(cwd, 'node_modules/fastify')), 'Fastify is optional')
    t.same(await run(cwd, process.execPath, 'main.mjs'), PRINTS)
    t.same(await run(cwd, process.execPath, 'main.cjs'), PRINTS)
  },
)

// types-node.test.ts compiles it with the other versions of @types/node.
t.test('has declarations that compile as an ES module and as CommonJS, and mistakes do not', async (t) => {
  const options = [...STRICT, '--module', 'nodenext']
  t.same(await run(cwd, bin('tsc'), ...options, 'typed.mts', 'typed.cts'), { code: 0, out: '' })
})

t.test('is installed next to other versions of its peers', async (t) => {
  const folder = path.join(cwd, 'peers')
  mkdirSync(folder)
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }')
  const peers = ['fastify@4', '@fastify/jwt@8', '@sinclair/typebox@0.33', '@types/node@18']
  const { code, out } = await run(folder, 'npm', ...install, '--package-lock-only', ...peers, tarball)
  t.equal(code, 0, out)
})

t.test('the core is one package, with a small dependency for the entry point of Fastify', async (t) => {
  const { dependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
    readFileSync(path.join(packageFolder, 'package.json'), 'utf8'),
  )
  t.same(Object.keys(dependencies), ['fastify-plugin'])
  for (const peer of Object.keys(peerDependencies)) {
    t.equal(peerDependencies[peer], '*', peer)
    t.same(peerDependenciesMeta[peer], { optional: true })
  }
})

t.test('has the command', async (t) => {
  const command = await run(cwd, path.join(cwd, 'node_modules/.bin/jwt-kit'), 'keygen', '--alg', 'HS256')
  t.match(command, { code: 0, out: /^[\w-]{43}\n$/ })
})
