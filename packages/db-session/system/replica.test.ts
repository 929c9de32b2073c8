import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  chown,
  cp,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import Fastify from 'fastify'
import pg from 'pg'
import t from 'tap'
import { dbSession } from '../src/index.ts'
import { openKnex, until } from '../test/setup.ts'

const database = await createTestDatabase()
const primary = new pg.Client({ connectionString: database.url })
await primary.connect()
await primary.query('create table users (id serial primary key, email text)')
const replica = await startReplica()

const app = Fastify()
const knex = openKnex(database.url)
await app.register(dbSession, { knex, replica: openKnex(replica.url) })
app.get(
  '/recovery',
  { config: { db: { mode: 'read' } } },
  async (request) => (await request.db.raw('select pg_is_in_recovery() as r')).rows[0].r,
)
app.get('/primary', async (request) => (await request.db.raw('select pg_is_in_recovery() as r')).rows[0].r)
app.get('/users', { config: { db: { mode: 'read' } } }, async (request) => request.db('users').pluck('email'))
app.post('/users', async (request) => request.db('users').insert({ email: 'ada' }))
app.post('/wrong', { config: { db: { mode: 'read' } } }, async (request) =>
  request.db.from('users').insert({ email: 'no' }),
)
app.get('/serializable', { config: { db: { mode: 'read', isolation: 'serializable' } } }, async (request) =>
  request.db('users').pluck('email'),
)
t.teardown(async () => {
  await app.close()
  await replica.stop()
  await primary.end()
  await database.drop()
})

t.test('sessions of mode read go to the replica, the others to the primary', async (t) => {
  t.equal((await app.inject('/recovery')).body, 'true')
  t.equal((await app.inject('/primary')).body, 'false')
})

t.test('what is stored on the primary is read from the replica once it has come there', async (t) => {
  t.equal((await app.inject({ method: 'POST', url: '/users' })).statusCode, 200)
  await until(async () => (await app.inject('/users')).body === '["ada"]')
  t.equal((await app.inject('/users')).body, '["ada"]')
})

t.test('a write there is a clear error', async (t) => {
  const answer = await app.inject({ method: 'POST', url: '/wrong' })
  t.match(answer.json(), { statusCode: 500, code: 'DB_SESSION_READ_ONLY' })
})

t.test('a BEGIN that the replica refuses runs no statement and leaves the connection clean', async (t) => {
  t.equal((await app.inject('/serializable')).statusCode, 500)
  t.equal((await app.inject('/users')).body, '["ada"]')
})

/** A streaming replica of the test server: a copy of its data folder, which then follows its log. */
async function startReplica(): Promise<{ url: string; stop(): Promise<void> }> {
  const admin = new pg.Client({ connectionString: database.adminUrl })
  await admin.connect()
  // the server may call its folder by another name than others can
  const { pid, max } = (
    await admin.query("select pg_backend_pid() as pid, current_setting('max_connections') as max")
  ).rows[0]
  const source = await readlink(`/proc/${pid}/cwd`)
  const program = await readlink(`/proc/${pid}/exe`)
  const { uid, gid } = await stat(source)
  const folder = await mkdtemp(path.join(os.tmpdir(), 'db-session-replica-'))
  await chown(folder, uid, gid)
  const data = path.join(folder, 'data')
  await admin.query("select pg_backup_start('replica', true)")
  await cp(source, data, {
    recursive: true,
    preserveTimestamps: true,
    filter: (file) => !/postmaster\.(pid|opts)$|\.s\.PGSQL/.test(file),
  })
  const { labelfile } = (await admin.query('select labelfile from pg_backup_stop(false)')).rows[0]
  await admin.end()

  const at = new URL(database.adminUrl)
  const url = new URL(database.url)
  url.port = String(await freePort())
  await writeFile(path.join(data, 'backup_label'), labelfile)
  await writeFile(path.join(data, 'standby.signal'), '')
  const conninfo = `host=${at.hostname} port=${at.port} user=${at.username} password=${decodeURIComponent(at.password)}`
  await appendFile(
    path.join(data, 'postgresql.auto.conf'),
    `\nprimary_conninfo = '${conninfo}'\nport = ${url.port}\nhot_standby = on\nmax_connections = ${max}\nunix_socket_directories = ''\n`,
  )
  await own(data, uid, gid)
  const log = await open(path.join(folder, 'log'), 'a+')
  const child = spawn(program, ['-D', data, '-p', url.port, '-k', ''], {
    stdio: ['ignore', log.fd, log.fd],
    ...(process.getuid?.() === 0 && { uid, gid }),
  })
  await until(async () => {
    if (child.exitCode !== null)
      throw new Error(`the replica did not start:\n${await readFile(path.join(folder, 'log'), 'utf8')}`)
    const client = new pg.Client({ connectionString: url.href })
    client.on('error', () => {})
    return client.connect().then(
      () => client.end().then(() => true),
      () => false,
    )
  }, 'the start of the replica')
  return {
    url: url.href,
    async stop() {
      child.kill('SIGINT')
      await once(child, 'exit')
      await log.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function own(folder: string, uid: number, gid: number): Promise<void> {
  await chown(folder, uid, gid)
  for (const entry of await readdir(folder, { recursive: true }))
    await chown(path.join(folder, entry), uid, gid)
}
