/** The package as others get it: packed, and installed into a project outside of this repository. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { node, packFor, runToEnd, tsc } from '../../../test-support/consumer.ts'

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
const consumers = packFor(t, 'jwt-kit')
const values = IMPORTS.replace('type Claims, ', '')
const project = consumers.create('consumer', {
  'main.mjs': values + USE,
  'main.cjs': values.replace(/import (.+) from (.+)/g, 'const $1 = require($2)') + USE,
  'typed.mts': TYPED,
  'typed.cts': TYPED,
})
const installed = await consumers.install(project, '@sinclair/typebox@0.34', '@types/node@20')
const packageFolder = join(project, 'node_modules/@auth-primer/jwt-kit')

const NOTHING_WRONG = { exitCode: 0, err: '' }
const NOTHING = { ...NOTHING_WRONG, out: '' }
const COMMENTS = /^ *\*.*$/gm

t.test('the core declares nothing that needs Fastify, and augments no type of it', async (t) => {
  const names = readdirSync(join(packageFolder, 'dist')).filter((name) => name.endsWith('.d.ts'))
  t.ok(names.length > 20)
  for (const name of names.filter((name) => name !== 'fastify.d.ts')) {
    const text = readFileSync(join(packageFolder, 'dist', name), 'utf8').replace(COMMENTS, '')
    t.notMatch(
      text,
      /(from|import\() ?['"](@?fastify|fast-jwt|@sinclair|typebox)|declare (module|global)/,
      name,
    )
  }
})

const PRINTS = { exitCode: 0, out: `7 ${Date.parse('2026-01-01')}\n`, err: '' }

t.test(
  'is imported by ES modules and required by CommonJS, without Fastify and without a warning',
  async (t) => {
    t.match(installed, { exitCode: 0, err: '' })
    t.notOk(existsSync(join(project, 'node_modules/fastify')), 'Fastify is optional')
    t.same(await node(project, 'main.mjs'), PRINTS)
    t.same(await node(project, 'main.cjs'), PRINTS)
  },
)

// types-node.test.ts compiles it with the other versions of @types/node.
t.test('has declarations that compile as an ES module and as CommonJS, and mistakes do not', async (t) => {
  const options = '--noEmit --strict --exactOptionalPropertyTypes --target es2023 --lib es2023 --types node'
  t.same(await tsc(project, `${options} --module nodenext typed.mts typed.cts`), NOTHING)
})

t.test('is installed next to other versions of its peers', async (t) => {
  const other = consumers.create('peers', {})
  const peers = ['fastify@4', '@fastify/jwt@8', '@sinclair/typebox@0.33', 'typebox@1']
  t.match(await consumers.install(other, '--package-lock-only', ...peers), NOTHING_WRONG)
})

t.test('the core is one package, with a small dependency for the entry point of Fastify', async (t) => {
  const { dependencies, peerDependencies, peerDependenciesMeta } = JSON.parse(
    readFileSync(join(packageFolder, 'package.json'), 'utf8'),
  )
  t.same(Object.keys(dependencies), ['fastify-plugin'])
  for (const peer of Object.keys(peerDependencies)) {
    t.equal(peerDependencies[peer], '*', peer)
    t.same(peerDependenciesMeta[peer], { optional: true })
  }
})

t.test('npx runs the command of the installed package', async (t) => {
  const command = await runToEnd(project, 'npx', '--no', '@auth-primer/jwt-kit', 'keygen', '--alg', 'HS256')
  t.match(command, { exitCode: 0, out: /^[\w-]{43}\n$/, err: '' })
})
