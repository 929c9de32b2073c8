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
  const installed = await run(
    cwd,
    'npm',
    ...install,
    path.join(folder, filename),
    '@sinclair/typebox@0.34',
    `@types/node@${version}`,
  )

  for (const skipLibCheck of ['false', 'true']) {
    const settings =
      '--noEmit --strict --exactOptionalPropertyTypes --target es2023 --lib es2023 --types node'
    const options = `${settings} --module nodenext --skipLibCheck ${skipLibCheck} good.mts wrong.mts`.split(
      ' ',
    )
    const { out } = await run(cwd, tsc, ...options)
    const errors = out.split('\n').filter((line) => / error TS\d+: /.test(line))
    const mistakes = errors.map((line) => Number(/^wrong\.mts\((\d+),/.exec(line)?.[1] ?? 0))
    const consumer = `with @types/node ${version} and skipLibCheck ${skipLibCheck}`

    t.test(`a consumer compiles ${consumer}`, async (t) => {
      t.same(installed.code, 0, installed.out)
      t.same(
        errors.filter((_, at) => mistakes[at] === 0),
        [],
      )
    })

    t.test(`a wrong key does not compile ${consumer}`, async (t) => {
      for (const [at, key] of WRONG_KEYS.entries()) t.ok(mistakes.includes(FIRST + at), key)
    })
  }
}
