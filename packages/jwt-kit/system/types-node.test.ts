/** The declarations of the packed package, compiled by consumers with each major version of `@types/node` that it supports. */
import t from 'tap'
import { type Outcome, packFor, tsc } from '../../../test-support/consumer.ts'

const IMPORTS = `
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import { jwtKit, type KeyInput, keyring, tokenKind } from '@auth-primer/jwt-kit'
`
const GOOD = `${IMPORTS}
const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const ring = keyring('EdDSA', [{ kid: '1', key: privateKey }, { kid: '2', key: publicKey.export({ format: 'jwk' }) }])
const keys: KeyInput[] = ['text', randomBytes(32), privateKey, { kty: 'OKP', crv: 'Ed25519', x: 'AA' }]
const kinds = { access: tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String() }) }) }
const claims = await jwtKit({ issuer: 'https://auth.shop.example', keys: ring, kinds }).access.verify('x')
export const values: [string, number, KeyInput[]] = [claims.sub, claims.exp, keys]
`
const WRONG_KEYS = [
  '/re/',
  '7',
  'null',
  'true',
  "Symbol('key')",
  '() => randomBytes(32)',
  'new Date()',
  '[]',
  '{ kty: 7 }',
]
const WRONG = `${IMPORTS}
${WRONG_KEYS.map((key) => `keyring('HS256', [{ kid: 'x', key: ${key} }])`).join('\n')}
export const use = [generateKeyPairSync, randomBytes, Type, jwtKit, tokenKind]
export type Used = KeyInput
`
const FIRST = WRONG.split('\n').findIndex((line) => line.startsWith('keyring')) + 1

// A project without `@types/node` has neither `node:crypto` nor `Buffer`.
const BARE = `
import { Type } from '@sinclair/typebox'
import { jwtKit, type KeyInput, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { testClock } from '@auth-primer/jwt-kit/testing'
const key: KeyInput = new Uint8Array(32)
const kinds = { access: tokenKind('access+jwt', { ttl: '30m', claims: Type.Object({ sub: Type.String() }) }) }
const kit = jwtKit({ issuer: 'i', keys: keyring('HS256', [{ kid: '1', key }]), kinds, now: testClock().now })
export const token: string = kit.access.sign({ sub: '7' })
// @ts-expect-error a claim of another type
kit.access.sign({ sub: 7 })
// @ts-expect-error a regular expression is not a key
keyring('HS256', [{ kid: '1', key: /re/ }])
`

interface Compilation {
  readonly consumer: string
  readonly installed: Outcome
  readonly errors: string[]
}

const SETTINGS =
  '--noEmit --strict --exactOptionalPropertyTypes --target es2023 --lib es2023 --module nodenext'

const consumers = packFor(t, 'jwt-kit')
const compilations: Compilation[] = []
for (const version of [20, 22, 24, 26]) {
  const project = consumers.create(`node-${version}`, { 'good.mts': GOOD, 'wrong.mts': WRONG })
  const installed = await consumers.install(project, '@sinclair/typebox@0.34', `@types/node@${version}`)
  for (const skipLibCheck of ['false', 'true']) {
    const { out } = await tsc(
      project,
      `${SETTINGS} --types node --skipLibCheck ${skipLibCheck} good.mts wrong.mts`,
    )
    const errors = out.split('\n').filter((line) => / error TS\d+: /.test(line))
    const consumer = `with @types/node ${version} and skipLibCheck ${skipLibCheck}`
    compilations.push({ consumer, installed, errors })
  }
}

for (const { consumer, installed, errors } of compilations) {
  t.test(`a consumer compiles ${consumer}`, async (t) => {
    t.equal(installed.exitCode, 0, installed.err)
    const unexpected = errors.filter((line) => !line.startsWith('wrong.mts'))
    t.same(unexpected, [])
  })

  t.test(`a wrong key does not compile ${consumer}`, async (t) => {
    for (const [at, key] of WRONG_KEYS.entries())
      t.ok(
        errors.some((line) => line.startsWith(`wrong.mts(${FIRST + at},`)),
        key,
      )
  })
}

t.test('every version was compiled', async (t) => {
  t.equal(compilations.length, 8)
})

t.test('a consumer compiles without @types/node, as an ES module and as CommonJS', async (t) => {
  const project = consumers.create('bare', { 'bare.mts': BARE, 'bare.cts': BARE })
  t.match(await consumers.install(project, '@sinclair/typebox@0.34'), { exitCode: 0 })
  t.same(await tsc(project, `${SETTINGS} --skipLibCheck false bare.mts bare.cts`), {
    exitCode: 0,
    out: '',
    err: '',
  })
})
