/** The packed package in a project of its own, with Express and Fastify. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const checkout = fileURLToPath(new URL('../../..', import.meta.url))
const tsc = path.join(checkout, 'node_modules/.bin/tsc')

// npm's own variables would make an npm inside a test act on this repository.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$|TAP)/.test(name)),
)

function run(cwd: string, file: string, ...args: string[]): Promise<{ code: unknown; out: string }> {
  return new Promise((resolve) => {
    execFile(file, args, { cwd, env: { ...env, NODE_ENV: 'test' } }, (problem, stdout, stderr) =>
      resolve({ code: problem?.code ?? 0, out: stdout + stderr }),
    )
  })
}

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

// Outside of this repository, whose node_modules would hide what is missing.
const folder = mkdtempSync(path.join(tmpdir(), 'jwt-remote-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const packed = await run(checkout, process.execPath, '.ci/pack.js', folder)
const tarballs = readdirSync(folder)
  .filter((name) => name.includes('-jwt-'))
  .map((name) => path.join(folder, name))
const cwd = path.join(folder, 'consumer')
mkdirSync(cwd)
for (const [file, text] of Object.entries({
  'package.json': '{ "private": true }',
  'express.cjs': EXPRESS,
  'typed.mts': TYPED,
  'typed.cts': TYPED,
}))
  writeFileSync(path.join(cwd, file), text)
const install = 'install --prefer-offline --ignore-scripts --no-audit --no-fund --loglevel=error'.split(' ')
const others = ['@sinclair/typebox@0.34', 'express@5', '@types/express@5', 'fastify@5', '@types/node@20']
const installed = await run(cwd, 'npm', ...install, ...tarballs, ...others)

t.test('a consumer compiles as an ES module and as CommonJS, and mistakes do not', async (t) => {
  t.equal(packed.code, 0, packed.out)
  t.equal(installed.code, 0, installed.out)
  const settings =
    '--noEmit --strict --exactOptionalPropertyTypes --skipLibCheck false --esModuleInterop --target es2023 --lib es2023'
  const options = `${settings} --types node --module nodenext typed.mts typed.cts`.split(' ')
  t.same(await run(cwd, tsc, ...options), { code: 0, out: '' })
})

t.test('a service on Express with CommonJS answers with the status and the headers', async (t) => {
  t.same(await run(cwd, process.execPath, '--throw-deprecation', 'express.cjs'), {
    code: 0,
    out: [
      '200 null null',
      '401 Bearer null',
      '401 Bearer error="invalid_token", error_description="The access token is invalid" null',
      '503 null 1',
      '',
    ].join('\n'),
  })
})
