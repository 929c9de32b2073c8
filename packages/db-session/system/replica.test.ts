/** A streaming replica: its rows may be stale, and the primary serves if no connection to it can be had. */
import type { EventEmitter } from 'node:events'
import t from 'tap'
import { createCluster } from '../../../test-support/cluster.ts'
import { openKnex, start, used } from '../test/setup.ts'

const FAST = { fsync: 'off', full_page_writes: 'off' }
const primary = await createCluster(t)
const replica = await primary.standby()
await primary.start(FAST)
await replica.start(FAST)
t.teardown(() => Promise.all([primary.stop('immediate'), replica.stop('immediate')]))
await primary.query('create table users (id serial primary key, email text)')

const knex = openKnex(primary.url)
const replicaKnex = openKnex(replica.url)
const database = { url: primary.url, other: undefined as never, see: async () => [] }
const stale = { config: { db: { mode: 'read', replica: true } } } as const
const { hit } = await start(
  t,
  database,
  (app) => {
    app.get('/stale', stale, async (request) => request.db('users').pluck('email'))
    app.get('/fresh', { config: { db: { mode: 'read' } } }, async (request) =>
      request.db('users').pluck('email'),
    )
    app.post('/users', async (request) => request.db('users').insert({ email: 'ada' }))
    app.post('/wrong', stale, async (request) => request.db('users').insert({ email: 'no' }))
  },
  { knex, replica: replicaKnex, acquireTimeoutMs: 500 },
)
/** Waits until the replica has replayed all that is committed. */
const catchUp = () =>
  primary.query('select pg_current_wal_lsn()').then(async ([position]) => {
    while (!(await replica.query(`select pg_last_wal_replay_lsn() >= '${position}'`))[0]);
  })
await catchUp()

t.test('only a route with `replica: true` may read stale rows', async (t) => {
  await replica.query('select pg_wal_replay_pause()')
  t.equal((await hit('POST', '/users')).status, 200)
  t.equal((await hit('GET', '/fresh')).body, '["ada"]')
  t.equal((await hit('GET', '/stale')).body, '[]')
  await replica.query('select pg_wal_replay_resume()')
  await catchUp()
  t.equal((await hit('GET', '/stale')).body, '["ada"]')
})

t.test('a write in a route with `replica: true` is a 500', async (t) => {
  t.match(await hit('POST', '/wrong'), { status: 500, json: { code: 'DB_SESSION_READ_ONLY' } })
})

t.test('if the replica is killed, the primary serves its routes', async (t) => {
  const idle: { resource: EventEmitter }[] = replicaKnex.client.pool.free
  t.ok(idle.length > 0)
  // Not `once()`, which rejects at the error before the end.
  const lost = idle.map(({ resource }) => new Promise((resolve) => resource.once('end', resolve)))
  await replica.stop('immediate')
  // A statement that is sent before the pool has noticed is a 503.
  await Promise.all(lost)
  t.match(await hit('GET', '/stale'), { status: 200, body: '["ada"]' })
  t.match(await hit('GET', '/fresh'), { status: 200 })
  t.equal(used(knex), 0)
})
