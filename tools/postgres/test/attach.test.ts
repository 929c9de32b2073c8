import { chmod, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import t from 'tap'
import { clusterIn } from '../src/folder.ts'
import { attachPostgres } from '../src/index.ts'
import { attachProcess, dataDir, query, readRows, writeRow } from './support.ts'

// Shared by the tests that need no cluster of their own.
const dir = await dataDir(t)

t.test(
  'attachPostgres() starts a server or uses a running one, and the data is kept for the next start',
  async (t) => {
    const messages: string[] = []
    const first = await attachPostgres({ dir, durable: false, log: (message) => messages.push(message) })
    t.equal(first.started, true)
    t.equal(first.dataDir, path.join(dir, 'postgres/data'))
    t.equal(messages[0], `Creating a new database cluster in ${path.join(dir, 'postgres')}`)
    t.match(messages[1], /^Postgres 18\.\d+ listens on 127\.0\.0\.1:\d+$/)
    const second = await attachPostgres({ dir })
    t.equal(second.started, false)
    t.equal(second.url, first.url)
    await writeRow(first.url, 'kept')
    await first.leave()
    await second.leave()
    const third = await attachPostgres({ dir, durable: false })
    t.equal(third.started, true)
    t.same(await readRows(third.url), ['kept'])
    await third.leave()
  },
)

t.test('the server is durable, unless `durable` is false', async (t) => {
  for (const [durable, expected] of [
    [true, 'on'],
    [false, 'off'],
  ] as const) {
    const server = await attachPostgres({ dir, durable })
    for (const setting of ['fsync', 'synchronous_commit', 'full_page_writes']) {
      t.same(await query(server.url, `show ${setting}`), [{ [setting]: expected }])
    }
    await server.leave()
  }
})

t.test('the server uses UTF-8, UTC and the case of every letter, whatever the environment', async (t) => {
  const dir = await dataDir(t)
  const hostile = { LANG: 'tr_TR.ISO-8859-9', LC_ALL: 'C', TZ: 'Asia/Tokyo', PGTZ: 'Asia/Tokyo', PGPORT: '1' }
  for (const env of [{}, hostile]) {
    const server = await attachProcess(dir, { env })
    const rows = await query(
      server.url,
      `select lower('ÉCOLE') as lower, current_setting('server_encoding') as encoding, current_setting('TimeZone') as zone`,
    )
    t.same(rows, [{ lower: 'école', encoding: 'UTF8', zone: 'UTC' }])
    t.equal(await server.leave(), 0)
  }
})

t.test('the data folder may have spaces, quotes, percent signs and any letters in its path', async (t) => {
  const dir = path.join(await dataDir(t), `it's a "Straße" 100% \\ $HOME 日本`)
  await mkdir(dir)
  const server = await attachPostgres({ dir, durable: false })
  await writeRow(server.url, 'kept')
  await server.leave()
  const again = await attachPostgres({ dir, durable: false })
  t.same(await readRows(again.url), ['kept'])
  await again.leave()
})

t.test('only a user who can read the files of the cluster can connect', async (t) => {
  const server = await attachPostgres({ dir, durable: false })
  const folder = clusterIn(dir)
  const mode = async (file: string) => ((await stat(file)).mode & 0o777).toString(8)
  t.equal(await mode(folder.home), '700')
  t.equal(await mode(folder.data), '700')
  t.equal(await mode(folder.password), '600')
  t.equal(await mode(folder.log), '600')
  t.equal((await stat(folder.password)).uid, process.getuid?.())
  t.equal(Buffer.from((await readFile(folder.password, 'utf8')).trim(), 'base64url').length, 32)

  const wrong = new URL(server.url)
  wrong.password = 'wrong'
  await t.rejects(query(wrong.href, 'select 1'), { code: '28P01' })
  const hba = await query<{ type: string; auth_method: string }>(
    server.url,
    'select type, auth_method from pg_hba_file_rules',
  )
  t.ok(hba.length > 0)
  for (const rule of hba) t.equal(rule.auth_method, 'scram-sha-256')
  t.same(await query(server.url, 'show listen_addresses'), [{ listen_addresses: '127.0.0.1' }])
  t.same(await query(server.url, 'show unix_socket_directories'), [{ unix_socket_directories: '' }])
  await server.leave()
})

t.test('files that others can read are made private again at a start', async (t) => {
  const folder = clusterIn(dir)
  for (const file of [folder.home, folder.data]) await chmod(file, 0o755)
  await chmod(folder.password, 0o644)
  const server = await attachPostgres({ dir, durable: false })
  t.equal((await stat(folder.data)).mode & 0o777, 0o700)
  t.equal((await stat(folder.password)).mode & 0o777, 0o600)
  await server.leave()
})

t.test('several processes that start at the same time for the first time create one cluster', async (t) => {
  for (let round = 0; round < 2; round += 1) {
    const dir = await dataDir(t)
    const servers = await Promise.all([1, 2].map(() => attachProcess(dir)))
    t.equal(new Set(servers.map(({ url }) => url)).size, 1)
    t.equal(servers.filter(({ started }) => started).length, 1)
    for (const [index, { url }] of servers.entries()) await writeRow(url, `row ${index}`)
    for (const server of servers.slice(1)) t.equal(await server.leave(), 0)
    t.same(await readRows(servers[0]?.url ?? ''), ['row 0', 'row 1'])
    t.equal(await servers[0]?.leave(), 0)
    t.same(await readdir(dir), ['postgres'])
  }
})
