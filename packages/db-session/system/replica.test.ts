import Fastify from 'fastify'
import t from 'tap'
import { dbSession } from '../src/index.ts'
import { openKnex, until, used } from '../test/setup.ts'
import { type Cluster, newCluster } from './cluster.ts'
import { runSuite, WITHOUT_SESSIONS } from './suite.ts'

const FAST = { fsync: 'off', full_page_writes: 'off' }
// each COMMIT waits until the replica shows it, so that a test that writes and reads need not
const SYNCHRONOUS = { synchronous_commit: 'remote_apply', synchronous_standby_names: '*' }

const primary = await newCluster(t)
const replica = await primary.standby()
await primary.start({ ...FAST, ...SYNCHRONOUS })
await replica.start(FAST)
t.teardown(() => Promise.all([primary.stop('immediate'), replica.stop('immediate')]))
const host = (cluster: Cluster) => new URL(cluster.url).host

t.test('a replica', async (t) => {
  await primary.query('create table users (id serial primary key, email text)')
  const app = Fastify()
  const knex = openKnex(primary.url)
  await app.register(dbSession, { knex, replica: openKnex(replica.url) })
  t.teardown(() => app.close())
  const recovery = 'select pg_is_in_recovery() as r'
  const read = { config: { db: { mode: 'read' } } } as const
  app.get('/recovery', read, async (request) => (await request.db.raw(recovery)).rows[0].r)
  app.get('/primary', async (request) => (await request.db.raw(recovery)).rows[0].r)
  app.get('/users', read, async (request) => request.db('users').pluck('email'))
  app.post('/users', async (request) => request.db('users').insert({ email: 'ada' }))
  app.post('/wrong', read, async (request) => request.db.from('users').insert({ email: 'no' }))
  app.get('/serializable', { config: { db: { mode: 'read', isolation: 'serializable' } } }, async (request) =>
    request.db('users').pluck('email'),
  )

  t.test('serves sessions of mode read, the primary the others', async (t) => {
    t.equal((await app.inject('/recovery')).body, 'true')
    t.equal((await app.inject('/primary')).body, 'false')
  })
  t.test('shows what was stored on the primary', async (t) => {
    t.equal((await app.inject({ method: 'POST', url: '/users' })).statusCode, 200)
    t.equal((await app.inject('/users')).body, '["ada"]')
  })
  t.test('is not written to: that is a clear error', async (t) => {
    const answer = await app.inject({ method: 'POST', url: '/wrong' })
    t.match(answer.json(), { statusCode: 500, code: 'DB_SESSION_READ_ONLY' })
  })
  t.test('that refuses BEGIN runs no statement, and its connection is clean', async (t) => {
    t.equal((await app.inject('/serializable')).statusCode, 500)
    t.equal((await app.inject('/users')).body, '["ada"]')
  })
  t.equal(used(knex), 0)
})

t.test('the tests of the package with a streaming replica for sessions of mode read', (t) => {
  runSuite(
    t,
    { TEST_POSTGRES_URL: primary.url, DB_SESSION_TEST_REPLICA: host(replica) },
    {
      ...WITHOUT_SESSIONS,
      'cancel.test.ts': 'has no session',
      'readme.test.ts': 'runs the code of the README, which has no replica',
      'transaction.test.ts': 'ends the backend of a read session through the primary, which does not know it',
    },
  )
  t.end()
})

t.test('a replica that is stopped takes its reads away, and no writes', async (t) => {
  const app = Fastify()
  const knex = openKnex(primary.url)
  const read = openKnex(replica.url)
  await app.register(dbSession, { knex, replica: read })
  t.teardown(() => app.close())
  app.get('/', { config: { db: { mode: 'read' } } }, async (request) => request.db('users').pluck('email'))
  app.post('/', async (request) => request.db('users').where({ id: 1 }).pluck('email'))
  const status = async (method: 'GET' | 'POST') => (await app.inject({ method, url: '/' })).statusCode
  t.same([await status('GET'), await status('POST')], [200, 200])
  await replica.stop('fast')
  t.same([await status('GET'), await status('POST')], [503, 200])
  await replica.start(FAST)
  await until(async () => (await status('GET')) === 200)
  t.same([used(knex), used(read)], [0, 0])
})
