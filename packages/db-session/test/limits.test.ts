/** The timeouts of a session. */
import t from 'tap'
import { openDatabase, openKnex, start, until, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users restart identity cascade'))

t.test('a statement that exceeds its timeout is a 503, even if its error is swallowed', async (t) => {
  const { hit, knex } = await start(
    t,
    database,
    (app) => {
      app.post('/default', async (request) => {
        await request.db('users').insert({ email: 'x' })
        await request.db.raw('select pg_sleep(600)')
      })
      app.post('/first', async (request) => {
        await request.db.raw('select pg_sleep(?)', [600])
      })
      app.post('/longer', { config: { db: { statementTimeoutMs: 600_000 } } }, async (request) => {
        await request.db('users').insert({ email: 'x' })
        await request.db.raw('select pg_sleep(0.2)')
        return {}
      })
      app.post('/for-ever', { config: { db: { statementTimeoutMs: 0 } } }, async (request) => {
        await request.db.raw('select pg_sleep(0.2)')
        return {}
      })
      app.post('/swallowed', async (request) => {
        await request.db('users').insert({ email: 'x' })
        await request.db.raw('select pg_sleep(600)').catch(() => {})
        return {}
      })
    },
    { statementTimeoutMs: 100 },
  )
  for (const path of ['/default', '/first', '/swallowed']) {
    const response = await hit('POST', path)
    t.match(response, { status: 503, json: { code: 'DB_SESSION_STATEMENT_TIMEOUT' }, seen: [] }, path)
  }
  t.match(await hit('POST', '/longer'), { status: 200, seen: ['x'] }, 'a route with a longer timeout')
  t.equal((await hit('POST', '/for-ever')).status, 200)
  t.equal(used(knex), 0)
})

t.test('a transaction that exceeds its idle timeout is a 503', async (t) => {
  const { hit, knex, log } = await start(
    t,
    database,
    (app) => {
      app.post('/idle', async (request) => {
        await request.db('users').insert({ email: 'x' })
        const { pid } = await request.db.select(request.db.raw('pg_backend_pid() as pid')).first()
        await until(
          async () => (await database.see(`select 1 from pg_stat_activity where pid = ${pid}`)).length === 0,
        )
        // what the server has sent by now is read in the next turn
        await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
        return {}
      })
      app.post('/ok', async (request) => {
        await request.db('users').insert({ email: 'ok' })
        return {}
      })
    },
    { idleTimeoutMs: 500, idleReportMs: 10 },
  )
  const response = await hit('POST', '/idle')
  t.match(response, { status: 503, seen: [] })
  // PgBouncer may pass it on only after COMMIT was sent to it
  if (process.env.DB_SESSION_TEST_VIA) t.match(response.json.code, /CONNECTION_LOST|COMMIT_OUTCOME_UNKNOWN/)
  else t.equal(response.json.code, 'DB_SESSION_CONNECTION_LOST')
  t.match(log[0], { owner: 'POST /idle', msg: /sat idle/ }, 'logged with its route')
  await until(() => used(knex) === 0)
  t.match(await hit('POST', '/ok'), { status: 200, seen: ['ok'] })
})

t.test(
  'a request that waits for a connection longer than its timeout is a 503 with Retry-After',
  async (t) => {
    const shared = openKnex(database.url, 2)
    const options = { knex: shared, closePools: false }
    t.teardown(() => shared.destroy())
    const route = (app: import('fastify').FastifyInstance) => {
      app.post('/', async (request) => {
        await request.db('users').insert({ email: 'x' })
        return {}
      })
    }
    const hasty = await start(t, database, route, { ...options, acquireTimeoutMs: 1 })
    const longer = await start(t, database, route, { ...options, acquireTimeoutMs: 60_000 })
    const held = await Promise.all([1, 2].map(() => shared.client.acquireConnection()))
    const response = await hasty.hit('POST', '/')
    t.match(response, { status: 503, json: { code: 'DB_SESSION_POOL_EXHAUSTED' }, seen: [] })
    t.equal(response.headers.get('retry-after'), '1')
    const waiting = longer.hit('POST', '/')
    for (const connection of held) shared.client.releaseConnection(connection)
    t.match(await waiting, { status: 200, seen: ['x'] })
  },
)
