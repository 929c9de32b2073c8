import { once } from 'node:events'
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrateToLatest } from '@auth-primer/migrations'
import { stopPostgres } from '@auth-primer/tool-postgres'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import t, { type Test } from 'tap'
import { openKnex } from '../../../test-support/database.ts'
import { CHECKOUT, LISTENS, run, SERVER } from '../../../test-support/process.ts'
import { DEMO_PASSWORD, DEMO_USERS } from '../src/demo/data.ts'

async function dataDir(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'social-api '))
  t.teardown(async () => {
    await stopPostgres({ dir, force: true })
    await rm(dir, { recursive: true, force: true })
  })
  return dir
}

async function logIn(url: string): Promise<string> {
  const response = await fetch(`${url}/login`, {
    method: 'POST',
    body: new URLSearchParams({ username: DEMO_USERS[0]?.email ?? '', password: DEMO_PASSWORD }),
  })
  return ((await response.json()) as { access_token: string }).access_token
}

t.test(
  'the service starts without any configuration, and a second start keeps the data and the secret',
  async (t) => {
    const AUTH_PRIMER_DATA_DIR = await dataDir(t)
    const env = { AUTH_PRIMER_DATA_DIR }
    const first = run(t, SERVER, env)
    const url = await first.waitForOutput(LISTENS)
    await first.waitForOutput(/Log in as (\S+):/)
    t.match(first.output(), `Swagger UI: ${url}/docs`)
    const token = await logIn(url)
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ title: 'kept', content: 'over a restart' })
    t.equal((await fetch(`${url}/posts`, { method: 'POST', headers, body })).status, 201)
    t.match(await (await fetch(url, { headers: { accept: 'text/html' } })).text(), DEMO_PASSWORD)

    first.child.kill('SIGTERM')
    t.equal(await first.waitForExit(), 0)
    const levels = first
      .output()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).level as number)
    t.same(
      levels.filter((level) => level >= 40),
      [],
      'JSON lines below the level warn',
    )

    const secret = await readFile(join(AUTH_PRIMER_DATA_DIR, 'jwt-secret'), 'utf8')
    const password = await readFile(join(AUTH_PRIMER_DATA_DIR, 'postgres/password'), 'utf8')
    for (const secretText of [secret, password.trim(), token, DEMO_PASSWORD]) {
      t.notOk(first.output().includes(secretText), 'no secret in the log')
    }

    const second = run(t, SERVER, env)
    const again = await second.waitForOutput(LISTENS)
    t.notMatch(second.output(), /Migrated|demo data/)
    const found = await fetch(`${again}/posts?search=kept`, { headers })
    t.equal(((await found.json()) as unknown[]).length, 1, 'the old token is still valid')
    second.child.kill('SIGINT')
    t.equal(await second.waitForExit(), 0)
    t.equal(
      (await stopPostgres({ dir: AUTH_PRIMER_DATA_DIR })).outcome,
      'not running',
      'Postgres has stopped',
    )
  },
)

t.test('after one or two signals, a login under way completes', async (t) => {
  const service = run(t, SERVER, { AUTH_PRIMER_DATA_DIR: await dataDir(t), BCRYPT_COST: '14' })
  const url = await service.waitForOutput(LISTENS)
  const login = logIn(url)
  await service.waitForOutput(/incoming request/)
  service.child.kill('SIGINT')
  service.child.kill('SIGINT')
  t.type(await login, 'string')
  t.equal(await service.waitForExit(), 0)
})

t.test('if npm is ended, the service of `npm start` stops Postgres and ends too', async (t) => {
  const dir = await dataDir(t)
  const service = run(t, ['npm', 'start'], { AUTH_PRIMER_DATA_DIR: dir, HOME: tmpdir() })
  await service.waitForOutput(LISTENS)
  service.child.kill('SIGTERM')
  // npm ends first. The output is open until the service has ended.
  await service.waitForExit()
  t.equal((await stopPostgres({ dir })).outcome, 'not running')
})

t.test('a failed start prints one line, and exits with 1', async (t) => {
  const database = await createTestDatabase()
  const busy = createServer().listen(0, '127.0.0.1')
  await once(busy, 'listening')
  t.teardown(async () => {
    busy.close()
    await database.drop()
  })
  const { port } = busy.address() as { port: number }
  const DATABASE_URL = database.url
  const unreachable = 'postgres://me:hunter2@127.0.0.1:1/nothing'
  const JWT_SECRET = 'an own secret for this test, 32 bytes or more'
  const AUTH_PRIMER_DATA_DIR = await dataDir(t)

  for (const [env, line] of [
    [
      { DATABASE_URL, PORT: String(port) },
      new RegExp(`^Cannot listen on .*:${port} .*EADDRINUSE.* Set HOST or PORT`),
    ],
    [
      { DATABASE_URL, METRICS_PORT: String(port) },
      new RegExp(`^Cannot listen on .*:${port} .*EADDRINUSE.* Set HOST or METRICS_PORT`),
    ],
    [{ DATABASE_URL: unreachable }, /^The database at 127.0.0.1:1\/nothing cannot be used: .*ECONNREFUSED/],
    [
      { DATABASE_URL: database.url.replace(/[^/]+$/, 'missing') },
      /^The database at .*\/missing cannot be used/,
    ],
    [{ NODE_ENV: 'production', JWT_SECRET }, /DATABASE_URL is required in production/],
    [{ DATABASE_URL, JWT_SECRET: 'short' }, /JWT_SECRET must be .* at least 32 bytes/],
    [{ DATABASE_URL, JWT_SECRET: 'a'.repeat(40) }, /JWT_SECRET must be .*openssl rand/],
  ] as const) {
    const { LOG_LEVEL = 'silent', ...rest } = env as Record<string, string>
    const service = run(t, SERVER, { AUTH_PRIMER_DATA_DIR, LOG_LEVEL, ...rest })
    t.equal(await service.waitForExit(), 1)
    t.match(service.output(), line)
    t.notMatch(service.output(), /hunter2|short\b|\n\s+at /, 'no secret and no stack trace')
  }
})

t.test('variables are read from .env, the environment overrides it, and no secret is printed', async (t) => {
  const folder = await dataDir(t)
  const lines = [
    'PORT=x',
    'BCRYPT_COST=99',
    'LOG_LEVEL=loud',
    'DATABASE_URL=mysql://me:hunter2@h/d',
    'JWT_SECRET=short',
  ]
  await writeFile(join(folder, '.env'), lines.join('\n'))
  const service = run(t, SERVER, { PORT: '0', LOG_LEVEL: 'info' }, { cwd: folder })
  t.equal(await service.waitForExit(), 1)
  const [first, ...wrong] = service.output().trim().split('\n')
  t.match(first, /^The configuration is invalid \(environment, or \.env\):$/)
  t.match(
    wrong,
    [/DATABASE_URL must be/, /JWT_SECRET must be/, /BCRYPT_COST must be/],
    'PORT and LOG_LEVEL are valid',
  )
  t.equal(wrong.length, 3)
  t.notMatch(service.output(), /hunter2|mysql|=short|loud/)
})

t.test('in production the service does not start until `npm run db:migrate` has run', async (t) => {
  const database = await createTestDatabase()
  t.teardown(() => database.drop())
  const env = {
    NODE_ENV: 'production',
    DATABASE_URL: database.url,
    JWT_SECRET: 'an own secret for this test, 32 bytes or more',
  }
  const rejected = run(t, SERVER, env)
  t.equal(await rejected.waitForExit(), 1)
  t.match(rejected.output(), /\d+ migrations are pending.*npm run db:migrate/)

  const knex = openKnex(database.url, 4)
  await migrateToLatest(knex)
  await knex.destroy()
  const service = run(t, SERVER, env)
  const url = await service.waitForOutput(LISTENS)
  t.notMatch(await (await fetch(url, { headers: { accept: 'text/html' } })).text(), DEMO_PASSWORD)
})

t.test('metrics are served on their own port, and not on the port of the service', async (t) => {
  const service = run(t, SERVER, { AUTH_PRIMER_DATA_DIR: await dataDir(t), METRICS_PORT: '0' })
  const metrics = await service.waitForOutput(/Metrics: (http:[^"]+)/)
  const url = await service.waitForOutput(/Swagger UI: (http:[^"]+)\/docs/)
  t.equal((await fetch(`${url}/health`)).status, 200)
  t.equal((await fetch(`${url}/metrics`)).status, 404)
  const text = await (await fetch(metrics)).text()
  t.match(text, 'http_request_duration_seconds_count{method="GET",route="/health",status="200"} 1')
  t.equal((await fetch(new URL('/health', metrics))).status, 404)
  service.child.kill('SIGTERM')
  t.equal(await service.waitForExit(), 0)
})

t.test(
  '`npm run dev` restarts on a save, logs a line for each request with its SQL below, and keeps Postgres running',
  async (t) => {
    const dir = await dataDir(t)
    const service = run(t, ['npm', 'run', 'dev'], { AUTH_PRIMER_DATA_DIR: dir, HOME: tmpdir() })
    const url = await service.waitForOutput(LISTENS)
    const token = await logIn(url)
    t.equal((await fetch(`${url}/posts`, { headers: { authorization: `Bearer ${token}` } })).status, 200)
    await service.waitForOutput(
      /^GET \/posts 200 \d+ ms {2}[0-9a-f]{6} user 1 .*\n(?: +.*\n)* +[\d.]+ ms {2}BEGIN READ ONLY.*\n +[\d.]+ ms {2}SELECT posts/m,
    )

    const before = service.output().length
    const now = new Date()
    await utimes(join(CHECKOUT, 'examples/social-api/src/app.ts'), now, now)
    await service.waitForOutput(/Restarting(?:.|\n)*?Server listening/)
    t.notMatch(service.output().slice(before), /Postgres .* listens/)
    service.child.kill('SIGTERM')
    await service.waitForExit()
    t.equal((await stopPostgres({ dir })).outcome, 'not running')
  },
)
