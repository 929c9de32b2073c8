/** The package in projects of other frameworks and test runners, as its README shows. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { node, packFor, runToEnd, tsc } from '../../../test-support/consumer.ts'

const consumers = packFor(t, 'auth-hash')
const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
/** Returns a block of code that the README shows for a framework. */
function readBlock(name: string): string {
  const [, code] = new RegExp(`^\`\`\`\\w+ file=${name}\\n(.+?)^\`\`\`$`, 'ms').exec(readme) ?? []
  if (code === undefined) throw new Error(`Expected a block for ${name} in the README`)
  return code
}

/** Starts a server on a free port, posts to it, and prints each response on a line. */
const POSTS = `
async function post(url, body) {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
  const type = response.headers.get('content-type') ?? ''
  const text = await response.text()
  console.log(response.status, response.headers.get('retry-after'), type.includes('json') ? text : 'no JSON')
}
`

for (const version of [3, 4, 5]) {
  t.test(`a project with Fastify ${version} installs it`, async (t) => {
    const folder = consumers.create(`fastify${version}`, {
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
    t.match(
      await runToEnd(folder, 'npm', 'install', '--prefer-offline', '--no-audit', `fastify@${version}`),
      { exitCode: 0 },
    )
    t.match(await consumers.install(folder), { exitCode: 0, err: '' })
    const outcome = await node(folder, 'main.js')
    if (version === 3) t.match(outcome, { exitCode: 1, err: /fastify-plugin: .*expected '4.x \|\| 5.x'/ })
    else t.strictSame(outcome, { exitCode: 0, out: '400\n503 1\n', err: '' })
  })
}

t.test('the README’s Express app responds with the statuses of the errors', async (t) => {
  const folder = consumers.create('express', {
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
  t.match(await consumers.install(folder, 'express@5'), { exitCode: 0 })
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
  const folder = consumers.create('nest', {
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
  t.match(await consumers.install(folder, ...packages, '@types/node@20'), { exitCode: 0 })
  const options = '--strict --skipLibCheck --target es2023 --module nodenext --experimentalDecorators'
  t.strictSame(await tsc(folder, `${options} app.ts`), { exitCode: 0, out: '', err: '' })
  const { exitCode, out, err } = await node(folder, 'main.mjs')
  t.strictSame({ exitCode, err }, { exitCode: 0, err: '' })
  t.match(out.trimEnd().split('\n'), [
    /^400 null \{"code":"AUTH_HASH_INVALID_ARGUMENT"/,
    /^400 null \{"code":"AUTH_HASH_PASSWORD_TOO_LONG"/,
    /^201 null \{"hash":"\$2b\$12\$/,
  ])
})

t.test('Jest runs it in the two ways of the README, and not without them', async (t) => {
  const folder = consumers.create('jest', {
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
  t.match(await consumers.install(folder, 'jest@30', '@babel/preset-env@7', '@babel/core@7'), {
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
