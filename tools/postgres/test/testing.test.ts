import { mkdtemp, readdir, rm } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import pg from 'pg'
import t from 'tap'
import { startTemporaryPostgres } from '../src/temporary.ts'
import { createTestDatabase } from '../src/testing.ts'
import { query, readRows, writeRow } from './support.ts'

const before = process.env.TEST_POSTGRES_URL
t.afterEach(() => {
  if (before === undefined) delete process.env.TEST_POSTGRES_URL
  else process.env.TEST_POSTGRES_URL = before
})

t.test(
  'createTestDatabase() creates an empty database for each caller on the server of the test run',
  async (t) => {
    const server = before ? { url: before } : await startTemporaryPostgres()
    t.teardown(() => 'remove' in server && server.remove())
    process.env.TEST_POSTGRES_URL = server.url
    const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()])
    t.not(one.url, other.url)
    t.equal(new URL(one.url).host, new URL(server.url).host)
    await writeRow(one.url, 'kept')
    await t.rejects(readRows(other.url), { code: '42P01' })
    t.same(await query(one.adminUrl, 'select current_database() as name'), [{ name: 'postgres' }])

    const session = new pg.Client({ connectionString: one.url })
    const ended = new Promise((resolve) => session.on('error', resolve))
    await session.connect()
    await one.drop()
    t.match(await ended, { code: '57P01' }, 'drop() ends the sessions in the database')
    await t.rejects(query(one.url, 'select 1'), { code: '3D000' })
    t.same(await query(other.url, 'select 1 as one'), [{ one: 1 }], 'other databases are not affected')
    await other.drop()
  },
)

t.test('without a test run, createTestDatabase() starts its own server and removes it', async (t) => {
  const tmpdir = await mkdtemp(path.join(os.tmpdir(), 'auth-primer-test-'))
  const { TMPDIR } = process.env
  process.env.TMPDIR = tmpdir
  t.teardown(async () => {
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
    await rm(tmpdir, { recursive: true, force: true })
  })
  delete process.env.TEST_POSTGRES_URL
  const database = await createTestDatabase()
  t.same(await query(database.url, 'select 1 as one'), [{ one: 1 }])
  await database.drop()
  await t.rejects(query(database.url, 'select 1'), { code: 'ECONNREFUSED' })
  t.same(await readdir(tmpdir), [])
})
