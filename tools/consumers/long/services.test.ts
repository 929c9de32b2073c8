/**
 * Tests three services as strangers would write them, only from the READMEs: each installs the tarballs, and runs as a process
 * outside of this repository.
 */
import { spawn } from 'node:child_process'
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { env, packFor, tsc } from '../../../test-support/consumer.ts'

const fixture = fileURLToPath(new URL('../fixture', import.meta.url))

const STRICT =
  '--strict --exactOptionalPropertyTypes --noUncheckedIndexedAccess --verbatimModuleSyntax --skipLibCheck false'
const DECORATORS = '--strict --experimentalDecorators --emitDecoratorMetadata --skipLibCheck'
const COMPILE = '--target es2023 --lib es2023 --types node --module nodenext'

interface Service {
  readonly title: string
  readonly manifest: object
  readonly install: readonly string[]
  /** The settings of the compiler; without them it is JavaScript. */
  readonly compile?: string
}

const SERVICES: Record<string, Service> = {
  fastify: {
    title: 'Fastify 5 with ES modules and strict TypeScript',
    manifest: { private: true, type: 'module' },
    install: ['fastify@5', '@sinclair/typebox@0.34', '@types/node@22'],
    compile: STRICT,
  },
  express: {
    title: 'Express 5 with CommonJS',
    manifest: { private: true },
    install: ['express@5', '@sinclair/typebox@0.34'],
  },
  nest: {
    title: 'NestJS 11 with decorators and CommonJS',
    manifest: { private: true, type: 'commonjs' },
    install: [
      ...['common', 'core', 'platform-express'].map((name) => `@nestjs/${name}@11`),
      ...['reflect-metadata@0.2', 'rxjs@7', '@sinclair/typebox@0.34', '@types/node@22'],
    ],
    compile: DECORATORS,
  },
}

const consumers = packFor(t, 'auth-hash', 'jwt-kit')

for (const [name, service] of Object.entries(SERVICES)) {
  t.test(`${service.title}: a stranger's service works`, async (t) => {
    const cwd = consumers.create(name, { 'package.json': JSON.stringify(service.manifest) })
    cpSync(path.join(fixture, name), cwd, { recursive: true })
    const installed = await consumers.install(cwd, ...service.install)
    t.equal(installed.exitCode, 0, installed.err)
    t.notMatch(installed.out + installed.err, /warn|ERESOLVE/i, 'npm has no complaint')
    if (service.compile) {
      const outcome = await tsc(cwd, `${service.compile} ${COMPILE} service.ts`)
      t.same(outcome, { exitCode: 0, out: '', err: '' }, 'it compiles')
    }
    await use(t, await start(t, cwd))
  })
}

/** Starts the service, and returns its address. */
async function start(t: Test, cwd: string): Promise<string> {
  const file = readdirSync(cwd).find((name) => /^service\.c?js$/.test(name)) as string
  const service = spawn(process.execPath, ['--throw-deprecation', file], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(async () => {
    service.kill()
    if (service.exitCode === null && service.signalCode === null) await once(service, 'exit')
  })
  const [url] = await once(createInterface({ input: service.stdout }), 'line')
  return url
}

interface Tokens {
  readonly access: string
  readonly refresh: string
}

async function use(t: Test, url: string) {
  const send = async (
    method: string,
    target: string,
    { token, body }: { token?: string; body?: object } = {},
  ) => {
    const response = await fetch(url + target, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    return {
      status: response.status,
      challenge: response.headers.get('www-authenticate'),
      body: await read(response),
    }
  }
  const [email, password] = ['ada@example.com', 'correct horse battery staple']

  t.equal((await send('POST', '/users', { body: { email, password } })).status, 201, 'sign-up')
  t.equal(
    (await send('POST', '/users', { body: { email, password: 1234 } })).status,
    400,
    'a password that is not text',
  )
  t.equal(
    (await send('POST', '/login', { body: { email, password: 'wrong' } })).status,
    401,
    'a wrong password',
  )
  t.equal((await send('POST', '/login', { body: { email: 'x', password } })).status, 401, 'an unknown user')
  const login = await send('POST', '/login', { body: { email, password } })
  t.equal(login.status, 200, 'login')
  const { access, refresh } = login.body as Tokens

  t.match(
    await send('GET', '/me', { token: access }),
    { status: 200, body: { id: '1' } },
    'a protected route',
  )
  t.match(await send('GET', '/me'), { status: 401, challenge: 'Bearer' }, 'no token')
  t.match(
    await send('GET', '/me', { token: refresh }),
    { status: 401, challenge: /invalid_token/ },
    'a refresh token',
  )
  t.match(
    await send('GET', '/me', { token: `${access}x` }),
    { status: 401, challenge: /invalid_token/ },
    'a forged token',
  )

  t.equal((await send('POST', '/refresh', { token: access })).status, 401, 'an access token does not refresh')
  const refreshed = await send('POST', '/refresh', { token: refresh })
  t.equal(refreshed.status, 200, 'a refresh token does')
  t.equal((await send('GET', '/me', { token: (refreshed.body as Tokens).access })).status, 200)

  await send('POST', '/rotate')
  t.equal(
    (await send('GET', '/me', { token: access })).status,
    200,
    'a token of the old key after the rotation',
  )
  const next = (await send('POST', '/login', { body: { email, password } })).body as Tokens
  t.equal((await send('GET', '/me', { token: next.access })).status, 200, 'a token of the new key')
  t.not(readKid(next.access), readKid(access), 'another key signs')
  await send('POST', '/retire')
  t.equal((await send('GET', '/me', { token: access })).status, 401, 'a token of a key that is gone')
  t.equal((await send('GET', '/me', { token: next.access })).status, 200)
  t.match(await send('GET', '/jwks'), { body: { keys: [{ kid: readKid(next.access) }] } })

  // As Django stores it: its salt is text, and the digest base64.
  const salt = randomBytes(11).toString('hex')
  const rounds = 1000
  const digest = pbkdf2Sync(password, salt, rounds, 32, 'sha256').toString('base64')
  const row = { email: 'grace@example.com', hash: `pbkdf2_sha256$${rounds}$${salt}$${digest}` }
  await send('POST', '/import', { body: row })
  const wrong = { email: row.email, password: 'wrong' }
  t.equal(
    (await send('POST', '/login', { body: wrong })).status,
    401,
    'a wrong password for the imported hash',
  )
  t.equal(
    (await send('POST', '/login', { body: { email: row.email, password } })).status,
    200,
    'the right one',
  )
  const { hash } = (await send('GET', `/stored?email=${row.email}`)).body as { hash: string }
  t.match(hash, /^\$2b\$10\$/, 'the hash was upgraded at the login')
  t.equal(
    (await send('POST', '/login', { body: { email: row.email, password } })).status,
    200,
    'and is accepted',
  )
}

async function read(response: Response): Promise<unknown> {
  const text = await response.text()
  return response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text
}

function readKid(token: string): string {
  return JSON.parse(Buffer.from(token.split('.')[0] as string, 'base64url').toString()).kid
}
