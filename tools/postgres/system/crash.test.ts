import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import t from 'tap'
import { connect } from '../src/connect.ts'
import { type ClusterFolder, clusterIn } from '../src/folder.ts'
import { attachPostgres } from '../src/index.ts'
import { countAttached } from '../src/lock.ts'
import { asAccount, findAccount } from '../src/platform/account.ts'
import {
  attachProcess,
  dataDir,
  forgetRows,
  postmasterPid,
  query,
  readRows,
  spawnAttach,
  until,
  writeRow,
} from '../test/support.ts'

// A stopped cluster, which the tests use one after the other.
const dir = await dataDir(t)
await (await attachPostgres({ dir, durable: false })).leave()

t.test('a server survives the process that started it, and others can attach', async (t) => {
  const parent = await attachProcess(dir)
  await writeRow(parent.url, 'kept')
  parent.child.kill('SIGKILL')
  await parent.leave()
  const next = await attachPostgres({ dir, durable: false })
  t.equal(next.started, false)
  t.equal(next.url, parent.url)
  t.same(await readRows(next.url), ['kept'])
  await next.leave()
  t.notOk(existsSync(clusterIn(dir).pidFile))
})

t.test('a new server starts if the postmaster was killed', async (t) => {
  let server = await attachPostgres({ dir })
  await forgetRows(server.url)
  await writeRow(server.url, 'kept')
  const situations = {
    'with nothing to do': undefined,
    'while a query waits': 'select pg_sleep(1000)',
    'while a query computes': 'select count(*) from generate_series(1, 1e12)',
  }
  for (const [situation, sql] of Object.entries(situations)) {
    const pending = sql && query(server.url, sql)
    const failed = pending && t.rejects(pending, situation)
    if (sql) {
      await until(async () => {
        const running = await query(
          server.url,
          `select 1 from pg_stat_activity where query = '${sql}' and state = 'active'`,
        )
        return running.length > 0
      })
    }
    await writeRow(server.url, situation)
    process.kill(await postmasterPid(clusterIn(dir)), 'SIGKILL')
    const next = await attachPostgres({ dir })
    t.equal(next.started, true, situation)
    await failed
    await server.leave()
    t.ok((await readRows(next.url)).includes(situation), situation)
    server = next
  }
  t.same(await readRows(server.url), ['kept', ...Object.keys(situations)].sort())
  await server.leave()
})

t.test('several processes that start after the postmaster was killed use one server', async (t) => {
  let server = await attachPostgres({ dir, durable: false })
  await forgetRows(server.url)
  await writeRow(server.url, 'kept')
  for (let round = 0; round < 3; round += 1) {
    process.kill(await postmasterPid(clusterIn(dir)), 'SIGKILL')
    const servers = await Promise.all([1, 2, 3, 4].map(() => attachPostgres({ dir, durable: false })))
    t.equal(new Set(servers.map(({ url }) => url)).size, 1)
    t.equal(servers.filter(({ started }) => started).length, 1)
    server = servers[0] as typeof server
    t.same(await readRows(server.url), ['kept'])
    await Promise.all(servers.slice(1).map((other) => other.leave()))
  }
  await server.leave()
})

t.test('a process stays attached if a backend is killed and Postgres ends all sessions', async (t) => {
  const folder = clusterIn(dir)
  const server = await attachPostgres({ dir, durable: false })
  await forgetRows(server.url)
  await writeRow(server.url, 'kept')
  const [backend] = await query<{ pid: number }>(
    server.url,
    `select pid from pg_stat_activity where application_name = 'auth-primer attach'`,
  )
  process.kill(backend?.pid ?? 0, 'SIGKILL')
  await until(async () => {
    const client = await connect(folder).catch(() => undefined)
    const attached = client && (await countAttached(client).catch(() => 0))
    await client?.end()
    return attached
  })
  const other = await attachPostgres({ dir, durable: false })
  await other.leave()
  t.same(await readRows(server.url), ['kept'], 'the other was not the last to leave')
  await server.leave()
  t.notOk(existsSync(folder.pidFile))
})

t.test('a start that was killed during initdb is repeated from the beginning', async (t) => {
  const dir = await dataDir(t)
  for (const reached of ['data/PG_VERSION', 'data/global/pg_control']) {
    const killed = spawnAttach(dir)
    const unfinished = await until(async () => {
      const names = await readdir(dir)
      return names.find(
        (name) => name.startsWith(`postgres.${killed.pid}.`) && existsSync(path.join(dir, name, reached)),
      )
    })
    process.kill(-(killed.pid ?? 0), 'SIGKILL')
    await once(killed, 'exit')
    t.same(await readdir(dir), [unfinished])
  }
  const server = await attachPostgres({ dir, durable: false })
  t.equal(server.started, true)
  await writeRow(server.url, 'works')
  t.same(await readdir(dir), ['postgres'], 'their files are deleted')
  await server.leave()
})

t.test(
  'an incomplete data folder is moved aside with a log line, unless a running process is creating it',
  async (t) => {
    const dir = await dataDir(t)
    const { data, home } = clusterIn(dir)
    await mkdir(data, { recursive: true })
    await writeFile(path.join(data, 'precious'), 'kept')
    const others = `postgres.${process.ppid}.0123456789ab`
    await mkdir(path.join(dir, others))
    const messages: string[] = []
    const server = await attachPostgres({ dir, durable: false, log: (message) => messages.push(message) })
    await writeRow(server.url, 'works')
    await server.leave()
    const names = (await readdir(dir)).sort()
    t.match(names, ['postgres', /^postgres-half-made-/, others])
    const [, aside = ''] = names
    t.equal(await readFile(path.join(dir, aside, 'data/precious'), 'utf8'), 'kept')
    t.ok(messages.includes(`Moved an incomplete database cluster to ${path.join(dir, aside)}`))
    const again = await attachPostgres({ dir, durable: false })
    t.same(await readRows(again.url), ['works'], `${home} is used from then on`)
    await again.leave()
  },
)

t.test('a pid file whose process or port belongs to another program is ignored', async (t) => {
  const folder = clusterIn(dir)
  const first = await attachPostgres({ dir, durable: false })
  await forgetRows(first.url)
  await writeRow(first.url, 'kept')
  const pidFile = await readFile(folder.pidFile, 'utf8')
  await first.leave()

  const otherServer = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  t.teardown(() => otherServer.close())
  await once(otherServer, 'listening')
  const otherDir = await dataDir(t)
  const otherPostgres = await attachPostgres({ dir: otherDir, durable: false })
  const sleeper = spawn('sleep', ['1000'], asAccount(await findAccount(folder.data)))
  t.teardown(() => sleeper.kill())

  const otherServers = {
    'this process': [process.pid, (otherServer.address() as { port: number }).port],
    "a process of Postgres's own user": [sleeper.pid, (otherServer.address() as { port: number }).port],
    'another Postgres': [await postmasterPid(clusterIn(otherDir)), Number(new URL(otherPostgres.url).port)],
  }
  for (const [name, [pid, port]] of Object.entries(otherServers)) {
    await writePidFile(folder, pidFile, pid, port)
    const server = await attachPostgres({ dir, durable: false })
    t.equal(server.started, true, name)
    t.same(await readRows(server.url), ['kept'], name)
    await server.leave()
  }
  t.equal(isRunning(sleeper), true)
  t.same(
    await query(otherPostgres.url, 'select 1 as one'),
    [{ one: 1 }],
    'the other Postgres is not affected',
  )
  await otherPostgres.leave()
})

async function writePidFile(folder: ClusterFolder, text: string, pid: unknown, port: unknown): Promise<void> {
  const lines = text.split('\n')
  lines[0] = String(pid)
  lines[3] = String(port)
  await writeFile(folder.pidFile, lines.join('\n'))
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null
}
