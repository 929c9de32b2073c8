/** The package in NestJS, in Jest and in bundles, as its README says. */
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { node, packFor, runToEnd, tsc } from '../../../test-support/consumer.ts'

const consumers = packFor(t, 'jwt-kit')
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const [, NEST = ''] = /^```ts file=nestjs\n(.+?)^```$/ms.exec(readme) ?? []
const [, BANNER = ''] = /--banner:js="(.+?)"/.exec(readme) ?? []

const NEST_MAIN = `
import 'reflect-metadata'
import { randomBytes } from 'node:crypto'
import { NestFactory } from '@nestjs/core'
process.env.JWT_SECRET = randomBytes(32).toString('base64url')
const { AppModule, kit } = await import('./app.js')
async function use(adapter) {
  const app = await NestFactory.create(AppModule, adapter, { logger: false })
  await app.listen(0, '127.0.0.1')
  const url = (await app.getUrl()) + '/me'
  const get = async (authorization) => {
    const response = await fetch(url, { headers: authorization ? { authorization } : {} })
    console.log(response.status, response.headers.get('www-authenticate'), await response.text())
  }
  const token = kit.access.sign({ sub: '7' })
  await get('Bearer ' + token)
  await get()
  await get('Bearer ' + token + 'x')
  await app.close()
}
const express = await import('@nestjs/platform-express')
await use(new express.ExpressAdapter())
const fastify = await import('@nestjs/platform-fastify')
await use(new fastify.FastifyAdapter())
`
const INVALID = 'Bearer error="invalid_token", error_description="The access token is invalid"'
const NEST_ANSWERS = [
  '200 null {"sub":"7"}',
  '401 Bearer {"statusCode":401,"message":"There is no bearer token"}',
  `401 ${INVALID} {"statusCode":401,"message":"The access token is invalid"}`,
]

t.test('the README’s NestJS app compiles, and works with the adapters of Express and Fastify', async (t) => {
  const folder = consumers.create('nest', {
    'package.json': '{ "type": "module", "private": true }',
    'app.ts': NEST,
    'main.mjs': NEST_MAIN,
  })
  const nest = ['common', 'core', 'platform-express', 'platform-fastify'].map((name) => `@nestjs/${name}@11`)
  const others = ['reflect-metadata', 'rxjs', '@types/node@20', '@sinclair/typebox@0.34']
  t.match(await consumers.install(folder, ...nest, ...others), { exitCode: 0 })
  const options =
    '--strict --skipLibCheck --target es2023 --module nodenext --types node --experimentalDecorators'
  t.same(await tsc(folder, `${options} app.ts`), { exitCode: 0, out: '', err: '' })
  const { out, err } = await node(folder, 'main.mjs')
  t.equal(err, '')
  t.same(out.trimEnd().split('\n'), [...NEST_ANSWERS, ...NEST_ANSWERS])
})

const USE = `
  FormatRegistry.Set('digits', (text) => /^[0-9]+$/.test(text))
  const claims = Type.Object({ sub: Type.String({ format: 'digits' }) })
  const access = tokenKind('access+jwt', { ttl: '30m', claims, formats: FormatRegistry })
  const keys = keyring('HS256', [{ kid: '2026-11', key: randomBytes(32) }])
  const kit = jwtKit({ issuer: 'https://auth.shop.example', keys, kinds: { access } })
`
const IMPORTS = `
import { randomBytes } from 'node:crypto'
import { FormatRegistry, Type } from '@sinclair/typebox'
import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import jwtKitPlugin from '@auth-primer/jwt-kit/fastify'
`
const LOADED = IMPORTS.replace(/import (\w+|\{.+\}) from (.+)/g, (_, names: string, name: string) =>
  names.startsWith('{') ? `const ${names} = LOAD(${name})` : `const { default: ${names} } = LOAD(${name})`,
)
const REQUIRED = LOADED.replaceAll('LOAD', 'require')
const EXPECT = `
  expect((await kit.access.verify(kit.access.sign({ sub: '7' }))).sub).toBe('7')
  expect(typeof jwtKitPlugin).toBe('function')
`

t.test('Jest runs it as the README says, and not without', async (t) => {
  const folder = consumers.create('jest', {
    'required.test.js': `test('requires', async () => {${REQUIRED}${USE}${EXPECT}})`,
    'awaited.test.js': `test('awaits', async () => {${LOADED.replaceAll('LOAD', 'await import')}${USE}${EXPECT}})`,
    'imported.test.mjs': `${IMPORTS}test('imports', async () => {${USE}${EXPECT}})`,
    'jest.config.json':
      '{ "testMatch": ["**/*.test.*"], "moduleFileExtensions": ["js", "mjs", "json"], "transform": {} }',
  })
  const peers = ['@sinclair/typebox@0.34', 'fastify@5', '@fastify/jwt@10', 'jest@30']
  t.match(await consumers.install(folder, ...peers), { exitCode: 0 })
  const jest = (...args: string[]) => node(folder, ...args)
  const file = join(folder, 'node_modules/jest/bin/jest.js')
  t.match(await jest(file, 'required'), { exitCode: 1, err: /Must use import to load ES Module/ })
  const modules = await jest('--experimental-vm-modules', file, 'awaited', 'imported')
  t.match(modules, { exitCode: 0, err: /2 passed/ })
})

const SERVE = `
  const app = fastify()
  await app.register(jwtKitPlugin, { kit })
  app.get('/me', { onRequest: (request) => request.jwtVerify() }, async (request) => ({ sub: request.user.sub }))
  const authorization = 'Bearer ' + kit.access.sign({ sub: '7' })
  console.log((await app.inject({ url: '/me', headers: { authorization } })).body)
`

t.test('a bundle of esbuild runs away from its packages, as the README says', async (t) => {
  const fastify = "import fastify from 'fastify'\n"
  const folder = consumers.create('bundle', {
    'core.mjs': `${IMPORTS.replace(/.+\/fastify.+/, '')}${USE}
      kit.access.verify(kit.access.sign({ sub: '7' })).then(({ sub }) => console.log(JSON.stringify({ sub })))`,
    'service.mjs': `${IMPORTS}${fastify}async function main() {${USE}${SERVE}}\nmain()`,
  })
  const peers = ['@sinclair/typebox@0.34', 'fastify@5', '@fastify/jwt@10', 'esbuild@0.25']
  t.match(await consumers.install(folder, ...peers), { exitCode: 0 })
  const away = consumers.create('away', {})
  const bundle = async (source: string, output: string, ...options: string[]) => {
    const args = ['--bundle', '--platform=node', `--outfile=${output}`, '--log-level=error', ...options]
    const esbuild = join(folder, 'node_modules/.bin/esbuild')
    t.match(await runToEnd(folder, esbuild, source, ...args), { exitCode: 0, err: '' })
    cpSync(join(folder, output), join(away, output))
    return node(away, output)
  }
  const good = { exitCode: 0, out: '{"sub":"7"}\n', err: '' }
  t.same(await bundle('core.mjs', 'core-esm.mjs', '--format=esm'), good)
  t.same(await bundle('core.mjs', 'core-cjs.cjs', '--format=cjs'), good)
  t.same(await bundle('service.mjs', 'service-cjs.cjs', '--format=cjs'), good)
  t.same(await bundle('service.mjs', 'service-esm.mjs', '--format=esm', `--banner:js=${BANNER}`), good)
})
