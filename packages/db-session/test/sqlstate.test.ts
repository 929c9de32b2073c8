/** The table of SQLSTATEs: the code and status of each error, caused on a real Postgres. */
import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { DbSessionError, toDbSessionError } from '../src/index.ts'
import { proxy } from './proxy.ts'
import { openDatabase, openKnex, raise, rejection, start, until, used } from './setup.ts'

const database = await openDatabase(t)
await database.other.query(`
  create extension btree_gist;
  create table things (
    id int primary key,
    name text not null,
    amount int check (amount >= 0),
    span int4range,
    exclude using gist (span with &&)
  );
  insert into things values (1, 'one', 1, '[1,5)');
  create table parts (thing int references things (id) on delete restrict);
  insert into parts values (1);
  create function fail_at_commit() returns trigger language plpgsql as
  $$ begin execute format('do $x$ begin raise exception using errcode = %L; end $x$', new.title); return null; end $$;
  create constraint trigger at_commit after insert on posts deferrable initially deferred
  for each row execute function fail_at_commit()`)

/** SQLSTATE, code and status. `sql` causes the error naturally; every error is also caused by RAISE. */
const TABLE: Record<string, { status: number; states: Record<string, string | undefined> }> = {
  DB_SESSION_CONNECTION_LOST: {
    status: 503,
    states: {
      '08000': undefined,
      '08001': undefined,
      '08003': undefined,
      '08004': undefined,
      '08006': undefined,
      '57P01': 'select pg_terminate_backend(pg_backend_pid())',
      '57P02': undefined,
      '57P05': undefined,
    },
  },
  DB_SESSION_UNAVAILABLE: {
    status: 503,
    states: {
      '57P03': undefined,
      '57P04': undefined,
      '53000': undefined,
      '53100': undefined,
      '53200': undefined,
      '53300': undefined,
      '53400': undefined,
    },
  },
  DB_SESSION_COMMIT_OUTCOME_UNKNOWN: { status: 503, states: { '08007': undefined, '40003': undefined } },
  DB_SESSION_CONSTRAINT: {
    status: 409,
    states: {
      '23000': undefined,
      '23001': 'delete from things',
      '23503': 'insert into parts values (9)',
      '23505': "insert into things values (1, 'one')",
      '23514': "insert into things values (2, 'two', -1)",
      '23P01': "insert into things values (2, 'two', 1, '[3,9)')",
      '40002': undefined,
    },
  },
  DB_SESSION_SERIALIZATION: {
    status: 409,
    states: { '40000': undefined, '40001': undefined, '40P01': undefined },
  },
  DB_SESSION_STATEMENT_TIMEOUT: {
    status: 503,
    states: {
      '57014': 'select pg_cancel_backend(pg_backend_pid()), pg_sleep(60)',
      '55P03': 'lock table things in access exclusive mode nowait',
      '25P04': undefined,
    },
  },
  DB_SESSION_READ_ONLY: { status: 500, states: { '25006': undefined } },
  DB_SESSION_TRANSACTION_FAILED: { status: 500, states: { '25P02': undefined } },
  DB_SESSION_QUERY_FAILED: {
    status: 500,
    states: {
      '08P01': undefined,
      '0A000': 'create table other.public.t (x int)',
      '21000': 'select (select g from generate_series(1, 2) g)',
      '22001': 'alter table things alter name type varchar(1)',
      '22003': 'select 2147483647 + 1',
      '22007': "select 'yesterdayish'::date",
      '22012': 'select 1/0',
      '22P02': "select 'abc'::int",
      '22023': "select set_config('statement_timeout', 'soon', true)",
      '23502': 'insert into things (id) values (2)',
      '25001': 'vacuum',
      '25P03': undefined,
      '26000': 'execute nothing',
      '2201W': 'select 1 limit -1',
      '2BP01': 'drop table things',
      '3B001': 'rollback to savepoint nothing',
      '42501': undefined,
      '42601': 'selec 1',
      '42703': 'select nothing from things',
      '42883': 'select nothing()',
      '42P01': 'select * from nothing',
      '42P07': 'create table things ()',
      '54001': undefined,
      '55000': "select currval('users_id_seq')",
      '58030': undefined,
      F0000: undefined,
      HV000: undefined,
      P0001: "do $$ begin raise exception 'no'; end $$",
      P0002: undefined,
      XX000: undefined,
      XX001: undefined,
      AP001: undefined,
    },
  },
}

const rows = Object.entries(TABLE).flatMap(([code, { status, states }]) =>
  Object.entries(states).map(([sqlState, sql]) => ({ code, status, sqlState, sql })),
)

const { app, hit, knex } = await start(
  t,
  database,
  (app) => {
    const run = ({ db, query }: FastifyRequest) => db.query((query as { sql: string }).sql)
    app.post('/statement', run)
    app.post('/first-of-two', async (request) => {
      await request.db.query('select 1')
      await request.db.raw((request.query as { sql: string }).sql)
    })
    app.post('/hook', { preHandler: run as never }, async () => ({}))
    app.post('/swallowed', async (request) => {
      await run(request).catch(() => {})
      return {}
    })
    app.post('/commit', async (request) => {
      await request.db('posts').insert({ title: (request.query as { sql: string }).sql })
      return {}
    })
    app.post('/sibling', async ({ db }) => {
      await db.query('select 1/0').catch(() => {})
      await db.query('select 1')
    })
    app.post('/read', { config: { db: { mode: 'read' } } }, run)
    app.post('/values', ({ db }) => db.query('select $1::int, $2::int', [1]))
    app.post('/many', ({ db }) =>
      db('users').insert(Array.from({ length: 66_000 }, (_, i) => ({ email: String(i) }))),
    )
    app.post('/idle', async ({ db }) => {
      await db.query("set local idle_in_transaction_session_timeout = '20ms'")
      const { pid } = (await db.query('select pg_backend_pid() as pid')).rows[0]
      await until(
        async () => (await database.see(`select 1 from pg_stat_activity where pid = ${pid}`)).length === 0,
        'the end of the backend',
      )
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      await db.query('select 1')
    })
    app.post('/transaction-timeout', async ({ db }) => {
      await db.query("set local transaction_timeout = '20ms'")
      await db.query('select pg_sleep(60)')
    })
    app.post('/lock-timeout', async ({ db }) => {
      await db.query("set local lock_timeout = '10ms'")
      await db.query('lock table things in access exclusive mode')
    })
  },
  { seen: 'select 1' },
)
const post = (path: string, sql = '') => hit('POST', `${path}?sql=${encodeURIComponent(sql)}`)

for (const { code, status, sqlState, sql = raise(sqlState) } of rows) {
  t.test(`SQLSTATE ${sqlState} is a ${status} ${code}`, async (t) => {
    if (sqlState === '55P03') await database.other.query('begin; lock table things in access share mode')
    const response = await post('/statement', sql)
    t.match(response, { status, json: { statusCode: status, code } }, response.body)
    const repeats = code === 'DB_SESSION_CONNECTION_LOST' || code === 'DB_SESSION_UNAVAILABLE'
    t.equal(response.headers.get('retry-after'), repeats ? '1' : null)
    for (const path of ['/first-of-two', '/hook']) {
      const { statusCode, body } = await app.inject({ method: 'POST', url: path, query: { sql } })
      t.match({ statusCode, ...JSON.parse(body) }, { statusCode: status, code }, `${path} ${body}`)
    }
    const error = await rejection(app.unitOfWork((db) => db.query(sql)))
    if (sqlState === '55P03') await database.other.query('rollback')
    t.match(error, { code, sqlState, statusCode: status }, 'a unit of work rejects with it')
    t.ok(error instanceof DbSessionError)
    t.match(error.cause, { code: sqlState })
    // a trigger at the COMMIT can raise a SQLSTATE that normally means a lost connection
    if (/^(2[35]|4|P|X)/.test(sqlState) && !['25P02', '25P03', '25P04'].includes(sqlState)) {
      const { statusCode, body } = await app.inject({
        method: 'POST',
        url: '/commit',
        query: { sql: sqlState },
      })
      t.match({ statusCode, ...JSON.parse(body) }, { statusCode: status, code }, `/commit ${body}`)
    }
  })
}

t.test(
  'a swallowed error is a 409 or a 503 if its row in the table says so, and otherwise a 500',
  async (t) => {
    for (const { code, status, sqlState } of rows) {
      const { statusCode, body } = await app.inject({
        method: 'POST',
        url: '/swallowed',
        query: { sql: raise(sqlState) },
      })
      // the write in mode read is the clearer of the two errors
      const expected = status === 500 && sqlState !== '25006' ? 'DB_SESSION_TRANSACTION_FAILED' : code
      t.match(
        { statusCode, ...JSON.parse(body) },
        { statusCode: status, code: expected },
        `${sqlState} ${body}`,
      )
    }
  },
)

t.test('a write in mode read is a 500 DB_SESSION_READ_ONLY', async (t) => {
  for (const sql of [
    "insert into users (email) values ('x')",
    'create table t ()',
    "select nextval('users_id_seq')",
  ])
    t.match(await post('/read', sql), { status: 500, json: { code: 'DB_SESSION_READ_ONLY' } }, sql)
})

t.test('a statement after a failed one is a 500 DB_SESSION_TRANSACTION_FAILED', async (t) => {
  t.match(await post('/sibling'), { status: 500, json: { code: 'DB_SESSION_TRANSACTION_FAILED' } })
})

t.test('protocol errors that a program causes are a 500, and not a lost connection', async (t) => {
  for (const path of ['/values', '/many']) {
    const response = await post(path)
    t.match(response, { status: 500, json: { code: 'DB_SESSION_QUERY_FAILED' } }, `${path} ${response.body}`)
    t.equal(response.headers.get('retry-after'), null)
  }
})

t.test('an error of PgBouncer itself, which names no routine, is a lost connection', async (t) => {
  const create = (routine: string | undefined) =>
    Object.assign(new Error('x'), { severity: 'FATAL', code: '08P01', routine })
  t.match(toDbSessionError(create(undefined)), { code: 'DB_SESSION_CONNECTION_LOST', statusCode: 503 })
  t.match(toDbSessionError(create('exec_bind_message')), { code: 'DB_SESSION_QUERY_FAILED', statusCode: 500 })
})

t.test(
  'an internal error of pgpool, which names no routine, is a lost connection; one of Postgres is not',
  async (t) => {
    const create = (routine: string | undefined) =>
      Object.assign(new Error('x'), { severity: 'ERROR', code: 'XX000', routine })
    t.match(toDbSessionError(create(undefined)), { code: 'DB_SESSION_CONNECTION_LOST', statusCode: 503 })
    t.match(toDbSessionError(create('elog_start')), { code: 'DB_SESSION_QUERY_FAILED', statusCode: 500 })
  },
)

t.test('the timeouts of Postgres', async (t) => {
  t.match(await post('/lock-timeout'), { status: 200 }, 'no timeout without a conflict')
  await database.other.query('begin; lock table things in access share mode')
  t.match(await post('/lock-timeout'), { status: 503, json: { code: 'DB_SESSION_STATEMENT_TIMEOUT' } })
  await database.other.query('rollback')
  t.match(await post('/transaction-timeout'), { status: 503, json: { code: 'DB_SESSION_STATEMENT_TIMEOUT' } })
  t.match((await post('/idle')).json.code, /^DB_SESSION_(QUERY_FAILED|CONNECTION_LOST)$/)
})

t.test('a connection that cannot be opened is a 503 DB_SESSION_UNAVAILABLE with Retry-After', async (t) => {
  const url = new URL(database.url)
  const role = `limited_${process.pid}`
  await database.other.query(`create role ${role} login password 'x' connection limit 0`)
  t.teardown(() => database.other.query(`drop role ${role}`))
  const limited = new URL(url)
  limited.username = role
  limited.password = 'x'
  const wrong = new URL(url)
  wrong.username = 'nobody_at_all'
  const missing = new URL(url)
  missing.pathname = '/nothing_at_all'
  const closed = new URL(url)
  closed.port = '1'
  for (const [name, target] of Object.entries({ limited, wrong, missing, closed })) {
    const unavailable = await start(
      t,
      database,
      (app) => {
        app.post('/', ({ db }) => db.query('select 1'))
        app.post('/knex', ({ db }) => db('users').insert({ email: 'x' }))
        app.post('/read', { config: { db: { mode: 'read' } } }, ({ db }) => db('users'))
      },
      { knex: openKnex(target.href), seen: 'select 1' },
    )
    for (const path of ['/', '/knex', '/read']) {
      const response = await unavailable.hit('POST', path)
      t.match(
        response,
        { status: 503, json: { code: 'DB_SESSION_UNAVAILABLE' } },
        `${name}${path} ${response.body}`,
      )
      t.equal(response.headers.get('retry-after'), '1')
    }
  }
})

t.test('a socket that breaks is a 503 DB_SESSION_CONNECTION_LOST', async (t) => {
  const network = await proxy(t, database.url)
  network.onMessage = (text) => (text.includes('cut here') ? 'cut' : 'pass')
  const { hit } = await start(
    t,
    database,
    (app) => {
      app.post('/first', ({ db }) => db.query("select 'cut here'"))
      app.post('/later', async ({ db }) => {
        await db.query('select 1')
        await db.raw("select 'cut here'")
      })
      app.post('/rows', async ({ db }) => {
        for await (const _ of db.raw("select 'cut here' from generate_series(1, 900)").stream());
      })
      app.post('/swallowed', async ({ db }) => {
        await db.query("select 'cut here'").catch(() => {})
        return {}
      })
    },
    { knex: openKnex(network.url) },
  )
  for (const path of ['/first', '/later', '/rows', '/swallowed']) {
    const response = await hit('POST', path)
    t.match(
      response,
      { status: 503, json: { code: 'DB_SESSION_CONNECTION_LOST' } },
      `${path} ${response.body}`,
    )
    t.equal(response.headers.get('retry-after'), '1')
  }
})

t.test('after all of these errors, no connection is in use', async () => {
  await until(() => used(knex) === 0)
})
