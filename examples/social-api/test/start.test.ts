import { once } from 'node:events'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import knexFactory from 'knex'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { createSecretScanner, failOnSecrets } from '../../../test-support/secrets.ts'
import { SECRET } from '../../../test-support/social-api.ts'
import { readConfig } from '../src/config.ts'
import { DEMO_PASSWORD } from '../src/demo/data.ts'
import { start } from '../src/start.ts'

const scanner = createSecretScanner()
scanner.add('secret', SECRET)
const log = pino({ level: 'trace' }, scanner.log)
t.teardown(() => failOnSecrets(scanner))

t.test('a start with DATABASE_URL migrates the database, and inserts no demo data', async (t) => {
  const { knex, config } = await database(t)
  const { app, stop } = await start(config({}), log)
  t.teardown(stop)
  t.same(await knex('users'), [])
  const page = await app.inject({ url: '/', headers: { accept: 'text/html' } })
  t.equal(page.statusCode, 200)
  t.notMatch(page.body, DEMO_PASSWORD)
})

t.test('with HOST=0.0.0.0, the service and Swagger UI work over plain HTTP on every network', async (t) => {
  const { config } = await database(t)
  const { app, stop } = await start(config({ HOST: '0.0.0.0' }), log)
  t.teardown(stop)
  const { port } = app.server.address() as { port: number }
  const addresses = Object.values(networkInterfaces()).flatMap((all = []) =>
    all.filter(({ family }) => family === 'IPv4'),
  )
  for (const { address } of addresses) {
    const response = await fetch(`http://${address}:${port}/docs/`)
    t.equal(response.status, 200, address)
    t.notMatch(response.headers.get('content-security-policy') ?? '', /upgrade-insecure-requests/)
  }
})

t.test('production rejects pending migrations, runs none, and closes its connections', async (t) => {
  const { knex, config } = await database(t)
  const rejected = start(config({ NODE_ENV: 'production' }), log)
  await t.rejects(rejected, {
    name: 'DatabaseNotReadyError',
    message: /pending .*Run `npm run db:migrate` first/,
  })
  t.same(await tables(knex), [])
  await waitUntilDisconnected(knex)

  await (await start(config({}), log)).stop()
  t.ok((await tables(knex)).includes('users'))
  const AUTH_PRIMER_SITE_DIR = join(t.testdir({}), 'site')
  const built = await start(config({ NODE_ENV: 'production', AUTH_PRIMER_SITE_DIR }), log, {
    buildsSite: true,
  })
  t.notMatch((await built.app.inject('/guide')).body, /is being built/, 'production does not build the guide')
  await built.stop()
})

t.test('a start that fails while it listens closes its connections', async (t) => {
  const { knex, config } = await database(t)
  const busy = createServer().listen(0, '127.0.0.1')
  await once(busy, 'listening')
  t.teardown(() => busy.close())
  const { port } = busy.address() as { port: number }
  await t.rejects(start(config({ PORT: String(port) }), log), { message: /^Cannot listen on .*EADDRINUSE/ })
  await waitUntilDisconnected(knex)
})

t.test('a HOST that this machine does not have is an error that names HOST', async (t) => {
  const { config } = await database(t)
  await t.rejects(start(config({ HOST: '192.0.2.1' }), log), {
    message: /^Cannot listen on 192\.0\.2\.1:0 .* Set HOST or PORT/,
  })
})

async function database(t: Test) {
  const { url, drop } = await createTestDatabase()
  scanner.add('secret', new URL(url).password)
  const knex = knexFactory({ client: 'pg', connection: url, pool: { min: 0, max: 1 } })
  t.teardown(async () => {
    await knex.destroy()
    await drop()
  })
  const config = (variables: Record<string, string>) =>
    readConfig({ DATABASE_URL: url, JWT_SECRET: SECRET, PORT: '0', ...variables })
  return { knex, config }
}

async function tables(knex: ReturnType<typeof knexFactory>): Promise<string[]> {
  return knex('pg_tables')
    .where({ schemaname: 'public' })
    .whereNot('tablename', 'like', 'knex%')
    .pluck('tablename')
}

/** Waits until no other connection to this database is left, because Postgres ends a connection with a delay. */
async function waitUntilDisconnected(knex: ReturnType<typeof knexFactory>): Promise<void> {
  const others = knex('pg_stat_activity').whereRaw(
    "datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
  )
  while ((await others.clone()).length > 0);
}
