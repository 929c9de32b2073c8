import { Readable } from 'node:stream'
import t from 'tap'
import { createCluster } from '../../../test-support/cluster.ts'
import { openKnex, start, until, used } from '../test/setup.ts'

const cluster = await createCluster(t)
await cluster.start()
t.teardown(() => cluster.stop('immediate'))
await cluster.query(`
  create table users (id serial primary key, email text);
  create function slow() returns trigger language plpgsql as
    $$ begin perform pg_sleep(600); return null; end $$;
  create constraint trigger at_commit after insert on users deferrable initially deferred
    for each row when (new.email = 'at commit') execute function slow()`)

let goOn = (): void => {}
let waiting = 0
let closed = Promise.resolve()
const gate = () => {
  waiting++
  return closed
}
let runs = 0
let mails = 0

const knex = openKnex(cluster.url, 10)
const database = { url: cluster.url, other: undefined as never, see: async () => [] }
const { hit } = await start(
  t,
  database,
  (app) => {
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('x-request', 'kept')
    })
    app.post('/before', async (request) => {
      await gate()
      await request.db('users').insert({ email: 'before' })
    })
    app.post('/idle', async (request, reply) => {
      await request.db('users').insert({ email: 'idle' })
      await gate()
      reply.header('location', '/users/1')
      return {}
    })
    app.post('/between', async (request) => {
      await request.db('users').insert({ email: 'between' })
      await gate()
      await request.db('users').insert({ email: 'between' })
    })
    app.post('/swallowed', async (request) => {
      await request.db('users').insert({ email: 'swallowed' })
      await request.db.raw('select pg_sleep(600)').catch(() => {})
      return {}
    })
    app.post('/in-savepoint', async (request) => {
      await request.db.savepoint((db) => db.raw('select pg_sleep(600)'))
    })
    app.post('/during', { config: { db: { retry: 3, statementTimeoutMs: 0 } } }, async (request) => {
      await request.db('users').insert({ email: 'during' })
      await request.db.raw('select pg_sleep(600)')
    })
    app.post('/commit', { config: { db: { retry: 3, statementTimeoutMs: 0 } } }, async (request, reply) => {
      runs++
      request.db.afterCommit(() => mails++)
      await request.db('users').insert({ email: 'at commit' })
      return reply.code(201).header('location', '/users/1').header('set-cookie', 'a=1').send({})
    })
    app.get('/stream', { config: { db: { mode: 'read' } } }, async (request, reply) => {
      const { db } = request
      const rows = Readable.from(
        (async function* () {
          yield String((await db.raw('select 1 as one')).rows[0].one)
          await gate()
          yield String((await db.raw('select 2 as two')).rows[0].two)
        })(),
      )
      return reply.type('text/plain').send(rows)
    })
    app.post('/ok', async (request) => {
      await request.db('users').insert({ email: 'ok' })
      return {}
    })
  },
  { knex, closePools: true },
)

for (const mode of ['fast', 'immediate'] as const) {
  t.test(
    `when Postgres stops (${mode}) and starts again, requests under way get a clean 503 and later ones succeed`,
    async (t) => {
      await cluster.query('truncate users')
      runs = waiting = 0
      closed = new Promise((resolve) => {
        goOn = resolve
      })
      const paths = ['before', 'idle', 'between', 'swallowed', 'in-savepoint', 'during', 'commit']
      const requests = Object.fromEntries(paths.map((path) => [path, hit('POST', `/${path}`)]))
      const stream = hit('GET', '/stream').catch((error: Error) => error)
      await until(() => waiting === 4, 'requests between their statements')
      await until(
        async () =>
          (
            await cluster.query(
              `select count(*)::int from pg_stat_activity where wait_event = 'PgSleep' and query ~ '^(select pg_sleep|COMMIT)'`,
            )
          )[0] === 4,
        'requests in their statements and in COMMIT',
      )
      t.equal(used(knex), 6, 'six sessions hold a connection, and the stream in mode read does not')

      await cluster.stop(mode)
      for (const path of ['during', 'in-savepoint', 'swallowed']) {
        const response = await requests[path]
        t.match(response, { status: 503, json: { code: 'DB_SESSION_CONNECTION_LOST' } }, path)
        t.equal(response?.headers.get('retry-after'), '1', path)
      }
      const outcome = await requests.commit
      t.match(outcome, { status: 503, json: { code: 'DB_SESSION_COMMIT_OUTCOME_UNKNOWN' } })
      t.same(
        ['location', 'set-cookie', 'x-request'].map((name) => outcome?.headers.get(name)),
        [null, null, 'kept'],
        'no header of the success is left',
      )
      t.equal(runs, 1, 'a COMMIT is not retried')

      const down = await hit('POST', '/ok')
      t.match(down, { status: 503, json: { code: 'DB_SESSION_UNAVAILABLE' } }, 'while Postgres is down')
      t.equal(down.headers.get('retry-after'), '1')

      if (mode === 'fast') await cluster.start()
      goOn()
      if (mode === 'immediate') {
        t.match(await requests.before, { status: 503, json: { code: 'DB_SESSION_UNAVAILABLE' } }, 'before')
      } else {
        t.equal((await requests.before)?.status, 200, 'a request without a transaction is served')
      }
      for (const path of ['idle', 'between']) {
        const response = await requests[path]
        t.match(response, { status: 503, json: { code: 'DB_SESSION_CONNECTION_LOST' } }, path)
        t.equal(response?.headers.get('location'), null)
      }
      const streamed = await stream
      if (mode === 'fast') t.match(streamed, { status: 200, body: '12' }, 'a stream in mode read goes on')
      else t.type(streamed, Error, 'a stream is aborted, and does not end as if it were complete')
      await until(() => used(knex) === 0, 'free slots')

      if (mode === 'immediate') await cluster.start()
      const responses = await Promise.all(Array.from({ length: 20 }, () => hit('POST', '/ok')))
      t.same([...new Set(responses.map((response) => response.status))], [200], 'later requests succeed')
      t.same(
        await cluster.query('select email from users group by email order by email'),
        mode === 'fast' ? ['before', 'ok'] : ['ok'],
        'rows whose requests failed are not stored',
      )
      t.equal(mails, 0)
      await until(() => used(knex) === 0)
    },
  )
}
