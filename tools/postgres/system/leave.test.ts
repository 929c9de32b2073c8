import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import t from 'tap'
import { clusterIn } from '../src/folder.ts'
import { attachPostgres, stopPostgres } from '../src/index.ts'
import { attachProcess, dataDir, query, readRows, until, writeRow } from '../test/support.ts'

// A stopped cluster, which the tests use one after the other.
const dir = await dataDir(t)
await (await attachPostgres({ dir, durable: false })).leave()

t.test('the server stops when the last process leaves, and not when the first one does', async (t) => {
  const { pidFile } = clusterIn(dir)
  const first = await attachProcess(dir)
  const last = await attachProcess(dir)
  await writeRow(first.url, 'kept')
  t.equal(await first.leave(), 0)
  t.same(await readRows(last.url), ['kept'])
  t.equal(await last.leave(), 0)
  t.notOk(existsSync(pidFile))
  await t.rejects(query(last.url, 'select 1'), { code: 'ECONNREFUSED' })
})

t.test('leave() can be called more than once', async (t) => {
  const one = await attachPostgres({ dir, durable: false })
  const other = await attachPostgres({ dir, durable: false })
  await Promise.all([one.leave(), one.leave()])
  await one.leave()
  t.same(await query(other.url, 'select 1 as one'), [{ one: 1 }])
  await other.leave()
  t.notOk(existsSync(clusterIn(dir).pidFile))
})

t.test('a killed process does not keep the server running', async (t) => {
  const killed = await attachProcess(dir)
  const last = await attachProcess(dir)
  killed.child.kill('SIGKILL')
  t.equal(await killed.leave(), null)
  // The backend ends when it notices that the connection is closed.
  await until(async () => (await attached(last.url)) === 1)
  t.equal(await last.leave(), 0)
  t.notOk(existsSync(clusterIn(dir).pidFile))
})

t.test('a server that is set to keep running does not stop when the last process leaves', async (t) => {
  const folder = clusterIn(dir)
  const server = await attachPostgres({ dir, durable: false })
  await writeFile(folder.keepRunning, '')
  await server.leave()
  t.same(await query(server.url, 'select 1 as one'), [{ one: 1 }])
  await rm(folder.keepRunning)
  await (await attachPostgres({ dir })).leave()
  t.notOk(existsSync(folder.pidFile), 'until the setting is removed')
})

t.test('the server stops even if its connections were lost', async (t) => {
  const server = await attachPostgres({ dir, durable: false })
  const other = await attachPostgres({ dir, durable: false })
  await query(
    server.url,
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'auth-primer attach'`,
  )
  await server.leave()
  await other.leave()
  t.notOk(existsSync(clusterIn(dir).pidFile))
})

t.test('leave() succeeds if the server has already stopped', async (t) => {
  const server = await attachPostgres({ dir, durable: false })
  t.same(await stopPostgres({ dir, force: true }), { outcome: 'stopped', attached: 1 })
  await server.leave()
  t.notOk(existsSync(clusterIn(dir).pidFile))
})

t.test('every process that attaches while others leave gets a working server', async (t) => {
  const user = async (name: string) => {
    for (let round = 0; round < 10; round += 1) {
      const server = await attachPostgres({ dir, durable: false })
      await query(server.url, `create table if not exists "${name}" (round int)`)
      await query(server.url, `insert into "${name}" values (${round})`)
      await server.leave()
    }
  }
  await Promise.all(['a', 'b', 'c', 'd'].map(user))
  t.notOk(existsSync(clusterIn(dir).pidFile))
  const server = await attachPostgres({ dir, durable: false })
  for (const name of ['a', 'b', 'c', 'd']) {
    t.same(await query(server.url, `select count(*)::int as rounds from "${name}"`), [{ rounds: 10 }])
  }
  await server.leave()
})

t.test('every process that attaches while others leave or are killed gets a working server', async (t) => {
  const user = async (killed: boolean) => {
    for (let round = 0; round < 3; round += 1) {
      const server = await attachProcess(dir)
      t.same(await query(server.url, 'select 1 as one'), [{ one: 1 }])
      if (killed) server.child.kill('SIGKILL')
      t.equal(await server.leave(), killed ? null : 0)
    }
  }
  await Promise.all([user(false), user(true), user(false)])
  const server = await attachPostgres({ dir, durable: false })
  await writeRow(server.url, 'works')
  await server.leave()
})

async function attached(url: string): Promise<number> {
  const rows = await query(url, `select from pg_stat_activity where application_name = 'auth-primer attach'`)
  return rows.length
}
