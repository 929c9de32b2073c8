/** Settings that one session leaves on its connection for the next one. */
import t from 'tap'
import { openDatabase, openKnex, start, until, used } from './setup.ts'

const database = await openDatabase(t)
const knex = openKnex(database.url, 1)
const { hit, app } = await start(
  t,
  database,
  (app) => {
    app.post<{ Querystring: { sql: string; status?: number } }>('/', async (request, reply) => {
      await request.db.raw(request.query.sql)
      return reply.code(request.query.status ?? 200).send({})
    })
    app.get<{ Querystring: { sql: string } }>('/', async (request) => {
      return Object.values((await request.db.raw(request.query.sql)).rows[0])[0]
    })
  },
  { knex, statementTimeoutMs: 4_000, idleTimeoutMs: 5_000 },
)
const run = async (sql: string, status = 200) =>
  (await hit('POST', `/?sql=${encodeURIComponent(sql)}&status=${status}`)).status
const ask = async (sql: string) => (await app.inject(`/?sql=${encodeURIComponent(sql)}`)).body
// through PgBouncer the next session may be on another connection of the server
const direct = !process.env.DB_SESSION_TEST_VIA

await database.other.query('drop role if exists somebody; create role somebody')
t.teardown(() => database.other.query('drop role if exists somebody').catch(() => {}))
const lock = (kind: string) => `select pg_try_advisory${kind}_lock(7)`
const locked = async () =>
  (
    await database.see(
      "select count(*)::int from pg_locks where locktype = 'advisory' and objid = 7 and database = (select oid from pg_database where datname = current_database())",
    )
  )[0]

t.test('the timeouts of a session do not outlive it', async (t) => {
  t.equal(await ask("select current_setting('statement_timeout')"), '4s')
  const { rows } = await knex.raw(
    "select current_setting('statement_timeout') as s, current_setting('idle_in_transaction_session_timeout') as i, current_setting('transaction_read_only') as r",
  )
  t.same(rows, [{ s: '0', i: '0', r: 'off' }])
})

const local: Record<string, [set: string, show: string, expected: string]> = {
  'SET LOCAL': ["set local application_name = 'kept'", "select current_setting('application_name')", ''],
  'SET LOCAL ROLE': ['set local role somebody', 'select current_user = session_user', 'true'],
  'a temporary table that is dropped at the end': [
    'create temporary table left_over (n int) on commit drop',
    "select to_regclass('left_over') is null",
    'true',
  ],
}
const lasting: Record<string, [set: string, show: string, kept: string, rolledBack: string, reset: string]> =
  {
    SET: [
      "set application_name = 'kept'",
      "select current_setting('application_name')",
      'kept',
      '',
      'reset application_name',
    ],
    'SET ROLE': ['set role somebody', 'select current_user', 'somebody', 'postgres', 'reset role'],
    'a temporary table': [
      'create temporary table left_over (n int)',
      "select to_regclass('left_over') is not null",
      'true',
      'false',
      'drop table left_over',
    ],
    LISTEN: ['listen news', 'select count(*)::int from pg_listening_channels()', '1', '0', 'unlisten news'],
  }

for (const [what, [set, show, expected]] of Object.entries(local)) {
  t.test(`${what} ends with the session`, async (t) => {
    t.equal(await run(set), 200)
    t.equal(await ask(show), expected)
    t.equal(await run(set, 400), 400)
    t.equal(await ask(show), expected)
  })
}
for (const [what, [set, show, kept, rolledBack, reset]] of Object.entries(lasting)) {
  t.test(`${what} stays on the connection if the session commits, and not if it rolls back`, async (t) => {
    t.equal(await run(set, 400), 400)
    t.equal(await ask(show), rolledBack)
    t.equal(await run(set), 200)
    if (direct) t.equal(await ask(show), kept)
    await run(reset)
    if (direct) t.equal(await ask(show), rolledBack)
  })
}

t.test('an advisory lock of a transaction is released with the transaction', async (t) => {
  for (const status of [200, 400]) {
    t.equal(await run(lock('_xact'), status), status)
    t.equal(await locked(), 0)
  }
})

t.test('an advisory lock of a connection is kept, even if the session rolls back', async (t) => {
  t.equal(await run(lock(''), 400), 400)
  t.equal(await locked(), 1)
  await database.other.query(
    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = 7 and database = (select oid from pg_database where datname = current_database())",
  )
  await until(async () => (await locked()) === 0)
  await until(async () => (await run('select 1')) === 200)
  t.equal(used(knex), 0)
})
