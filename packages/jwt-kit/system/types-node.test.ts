/** The declarations of the packed package, compiled by consumers with each major version of `@types/node` that it supports. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const packageFolder = fileURLToPath(new URL('..', import.meta.url))
const tsc = fileURLToPath(new URL('../../../node_modules/.bin/tsc', import.meta.url))

// npm's own variables would make an npm inside a test act on this repository.
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$|TAP)/.test(name)),
)

function run(cwd: string, file: string, ...args: string[]): Promise<{ code: unknown; out: string }> {
  return new Promise((resolve) => {
    execFile(file, args, { cwd, env }, (problem, stdout, stderr) =>
      resolve({ code: problem?.code ?? 0, out: stdout + stderr }),
    )
  })
}

// Outside of this repository, whose node_modules would hide what is missing.
const folder = mkdtempSync(path.join(tmpdir(), 'jwt-kit-types-'))
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
const [{ filename }] = JSON.parse(packed.out) as [{ filename: string }]

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

interface Compilation {
  readonly consumer: string
  readonly installed: { code: unknown; out: string }
  readonly errors: string[]
}

const SETTINGS = '--noEmit --strict --exactOptionalPropertyTypes --target es2023 --lib es2023 --types node'

const compilations: Compilation[] = []
for (const version of [20, 22, 24, 26]) {
  const cwd = path.join(folder, `node-${version}`)
  mkdirSync(cwd)
  for (const [file, text] of Object.entries({
    'package.json': '{ "private": true }',
    'good.mts': GOOD,
    'wrong.mts': WRONG,
  }))
    writeFileSync(path.join(cwd, file), text)
  const install = 'install --prefer-offline --ignore-scripts --no-audit --no-fund --loglevel=error'.split(' ')
  const wanted = [path.join(folder, filename), '@sinclair/typebox@0.34', `@types/node@${version}`]
  const installed = await run(cwd, 'npm', ...install, ...wanted)
  for (const skipLibCheck of ['false', 'true']) {
    const options = `${SETTINGS} --module nodenext --skipLibCheck ${skipLibCheck} good.mts wrong.mts`
    const { out } = await run(cwd, tsc, ...options.split(' '))
    const errors = out.split('\n').filter((line) => / error TS\d+: /.test(line))
    const consumer = `with @types/node ${version} and skipLibCheck ${skipLibCheck}`
    compilations.push({ consumer, installed, errors })
  }
}

for (const { consumer, installed, errors } of compilations) {
  t.test(`a consumer compiles ${consumer}`, async (t) => {
    t.equal(installed.code, 0, installed.out)
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
