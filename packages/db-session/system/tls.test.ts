/** Sessions over TLS: a cancel request uses TLS too, and the server accepts it. */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { createCluster } from '../../../test-support/cluster.ts'
import { proxy } from '../test/proxy.ts'
import { openKnex, start, until, used } from '../test/setup.ts'

const SSL_REQUEST = '0000000804d2162f'

const cluster = await createCluster(t)
const [key, certificate] = ['server.key', 'server.crt'].map((name) => path.join(cluster.data, name)) as [
  string,
  string,
]
await promisify(execFile)('openssl', [
  ...'req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1'.split(
    ' ',
  ),
  ...['-keyout', key, '-out', certificate],
])
await cluster.own(key)
await cluster.start({ ssl: 'on' })
t.teardown(() => cluster.stop('immediate'))
await cluster.query('create table users (id serial primary key, email text)')
const between = await proxy(t, cluster.url)

const sleeping = async () =>
  (
    await cluster.query(`select count(*)::int from pg_stat_activity join pg_stat_ssl using (pid)
      where wait_event = 'PgSleep' and ssl`)
  )[0]

t.test('over TLS', async (t) => {
  const refused: string[] = []
  const { base, hit, knex } = await start(
    t,
    { url: cluster.url, other: undefined as never, see: (sql) => cluster.query(sql) },
    (app) => {
      app.post('/slow', async (request) => {
        await request.db('users').insert({ email: 'slow' })
        await request.db.raw('select pg_sleep(600)').catch((error) => {
          refused.push(error.code)
          throw error
        })
      })
      app.post('/gives-up', async (request, reply) => {
        await request.db('users').insert({ email: 'slow' })
        request.db.raw('select pg_sleep(600)').catch(() => {})
        await until(async () => (await sleeping()) === 1, 'the sleep')
        return reply.code(503).send({})
      })
      app.post('/ok', async (request) => {
        await request.db('users').insert({ email: 'ok' })
        return (await request.db.raw('select ssl from pg_stat_ssl where pid = pg_backend_pid()')).rows[0]
      })
    },
    {
      knex: openKnex(between.url, 5, {
        connection: { connectionString: between.url, ssl: { ca: await readFile(certificate, 'utf8') } },
      }),
      // without a working cancel request, the test would time out
      cancelTimeoutMs: 2 ** 31 - 1,
    },
  )
  const cancels = () => between.openings.filter((opening) => opening === SSL_REQUEST).length

  t.test('a session works over TLS', async (t) => {
    const response = await hit('POST', '/ok')
    t.match(response, { status: 200, json: { ssl: true }, seen: ['ok'] })
  })

  t.test('over TLS, the statement of a client that disconnects is canceled on the server', async (t) => {
    const before = between.openings.length
    const controller = new AbortController()
    const response = fetch(`${base}/slow`, { method: 'POST', signal: controller.signal })
    await until(async () => (await sleeping()) === 1, 'the sleep')
    controller.abort()
    await t.rejects(response)
    await until(async () => (await sleeping()) === 0, 'the cancel')
    await until(() => used(knex) === 0, 'a free slot')
    const after = between.openings.slice(before)
    t.ok(after.length > 0, 'the cancel request has a connection of its own')
    t.same([...new Set(after)], [SSL_REQUEST], 'it asks for TLS first')
    t.same(refused, ['DB_SESSION_ABORTED'])
    t.same(await cluster.query('select email from users'), ['ok'])
  })

  t.test('over TLS, a 503 during a statement cancels the statement', async (t) => {
    const before = cancels()
    t.equal((await hit('POST', '/gives-up')).status, 503)
    t.equal(await sleeping(), 0)
    t.equal(used(knex), 0)
    t.ok(cancels() > before)
    const response = await hit('POST', '/ok')
    t.match(response, { status: 200, json: { ssl: true } }, 'the connection can be used again')
  })
})
