/** The packed package in a project of its own, with Express and Fastify. */
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { node, packFor, runToEnd, tsc } from '../../../test-support/consumer.ts'

const PROVIDER = `
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k', alg: 'RS256', use: 'sig' }
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
const token = () => {
  const claims = { iss: 'https://login.example', aud: 'api', sub: '7', exp: Math.floor(Date.now() / 1000) + 60 }
  const input = encode({ alg: 'RS256', kid: 'k', typ: 'JWT' }) + '.' + encode(claims)
  return input + '.' + createSign('sha256').update(input).sign(privateKey, 'base64url')
}
`
const EXPRESS = `
const { createSign, generateKeyPairSync } = require('node:crypto')
const { once } = require('node:events')
const { createServer } = require('node:http')
const { jwtRemote } = require('@auth-primer/jwt-remote')
const { Type } = require('@sinclair/typebox')
const express = require('express')
${PROVIDER}
async function main() {
  let keys = { keys: [jwk] }
  const login = createServer((_, response) => response.end(JSON.stringify(keys))).listen(0, '127.0.0.1')
  await once(login, 'listening')
  const options = {
    issuer: 'https://login.example',
    audience: 'api',
    typ: 'JWT',
    jwksUri: 'http://127.0.0.1:' + login.address().port + '/jwks',
    claims: Type.Object({ sub: Type.String() }),
  }
  const [provider, failing] = [jwtRemote(options), jwtRemote(options)]
  const app = express()
  app.get('/me', provider.guard(), (request, response) => response.send(provider.claims(request).sub))
  app.get('/failing', failing.guard(), (request, response) => response.send(failing.claims(request).sub))
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const get = async (path, authorization) => {
    const url = 'http://127.0.0.1:' + server.address().port + path
    const { status, headers } = await fetch(url, { headers: authorization ? { authorization } : {} })
    console.log(status, headers.get('www-authenticate'), headers.get('retry-after'))
  }
  await get('/me', 'Bearer ' + token())
  await get('/me')
  await get('/me', 'Bearer x')
  keys = { keys: [] }
  await get('/failing', 'Bearer ' + token())
  process.exit()
}
main()
`
const TYPED = `
import { type JwtRemoteError, jwtRemote, type RemoteClaims } from '@auth-primer/jwt-remote'
import { Type } from '@sinclair/typebox'
import express from 'express'
import fastify from 'fastify'
const claims = Type.Object({ sub: Type.String() })
const options = { issuer: 'i', audience: 'a', jwksUri: 'https://login.example/jwks', claims }
const provider = jwtRemote(options)
fastify().get('/', { onRequest: provider.guard() }, async (request) => provider.claims(request).sub)
express().get('/', provider.guard(), (request, response) => {
  response.send(provider.claims(request).sub)
})
provider.verify('x') satisfies Promise<RemoteClaims<typeof claims>>
export const status = (error: JwtRemoteError): 503 => error.statusCode
// @ts-expect-error HMAC is not for published keys
jwtRemote({ ...options, algorithms: ['HS256'] })
// @ts-expect-error there is no such option
jwtRemote({ ...options, jwksUrl: 'https://login.example/jwks' })
// @ts-expect-error there is no such claim
provider.verify('x').then((verified) => verified.role)
`

// A project without `@types/node`, whose types Fastify and Express need.
const BARE = `
import { jwtRemote } from '@auth-primer/jwt-remote'
import { Type } from '@sinclair/typebox'
const claims = Type.Object({ sub: Type.String() })
const provider = jwtRemote({ issuer: 'i', audience: 'a', jwksUri: 'https://login.example/jwks', claims })
export const sub = provider.verify('x').then((verified): string => verified.sub)
`

const consumers = packFor(t, 'jwt-kit', 'jwt-remote')
const project = consumers.create('consumer', {
  'express.cjs': EXPRESS,
  'typed.mts': TYPED,
  'typed.cts': TYPED,
})
const others = ['@sinclair/typebox@0.34', 'express@5', '@types/express@5', 'fastify@5', '@types/node@20']
const installed = await consumers.install(project, ...others)
const KIT = 'node_modules/@auth-primer/jwt-kit'
const SETTINGS =
  '--noEmit --strict --exactOptionalPropertyTypes --skipLibCheck false --target es2023 --lib es2023 --module nodenext'

t.test('a consumer compiles as an ES module and as CommonJS, and mistakes do not', async (t) => {
  t.match(installed, { exitCode: 0, err: '' })
  const options = `${SETTINGS} --esModuleInterop --types node typed.mts typed.cts`
  t.same(await tsc(project, options), { exitCode: 0, out: '', err: '' })
})

t.test('a consumer compiles without @types/node', async (t) => {
  const bare = consumers.create('bare', { 'bare.mts': BARE, 'bare.cts': BARE })
  t.match(await consumers.install(bare, '@sinclair/typebox@0.34'), { exitCode: 0 })
  t.same(await tsc(bare, `${SETTINGS} bare.mts bare.cts`), { exitCode: 0, out: '', err: '' })
})

t.test(
  'is installed next to another version of jwt-kit, and says at start that it does not fit',
  async (t) => {
    const other = consumers.create('other', {
      'jwt-kit/package.json': readFileSync(join(project, KIT, 'package.json'), 'utf8').replace(
        '"0.1.0"',
        '"0.2.0"',
      ),
      'main.cjs': `
      const { jwtRemote } = require('@auth-primer/jwt-remote')
      try { jwtRemote({}) } catch (error) { console.log(error.code, error.message) }`,
    })
    for (const name of ['dist', 'src'])
      cpSync(join(project, KIT, name), join(other, 'jwt-kit', name), { recursive: true })
    const tarball = join(consumers.folder, 'auth-primer-jwt-remote-0.1.0.tgz')
    const args = 'install --prefer-offline --ignore-scripts --no-audit --no-fund --loglevel=error'.split(' ')
    t.match(await runToEnd(other, 'npm', ...args, './jwt-kit', tarball), { exitCode: 0, err: '' })
    t.same(await node(other, 'main.cjs'), {
      exitCode: 0,
      err: '',
      out: 'JWT_KIT_OPTIONS Expected @auth-primer/jwt-kit 0.1, got 0.2.0\n',
    })
  },
)

t.test('a service on Express with CommonJS answers with the status and the headers', async (t) => {
  t.same(await node(project, '--throw-deprecation', 'express.cjs'), {
    exitCode: 0,
    err: '',
    out: [
      '200 null null',
      '401 Bearer null',
      '401 Bearer error="invalid_token", error_description="The access token is invalid" null',
      '503 null 1',
      '',
    ].join('\n'),
  })
})
