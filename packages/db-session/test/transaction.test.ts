import t from 'tap'
import { proxy } from './proxy.ts'
import { openDatabase, openKnex, rejection, start, until, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users restart identity cascade'))

t.test('the first statement', async (t) => {
  const between = await proxy(t, database.url)
  const { hit } = await start(
    t,
    database,
    (app) => {
      app.get(
        '/values',
        { config: { db: { mode: 'read', isolation: 'repeatable read' } } },
        async (request) => request.db('users').where({ email: 'x' }),
      )
      app.get('/plain', async (request) =>
        request.db.raw('select 1 as one; select 2 as two').then((r) => r as unknown),
      )
      app.get('/one', async (request) => (await request.db.raw('select 1 as one')).rows)
      app.get('/comment', async (request) => (await request.db.raw('-- nothing')).rows)
      app.get(
        '/named',
        async (request) =>
          (await request.db.raw('select ?::int as one', [1]).options({ name: 'named' } as never)).rows,
      )
      app.get('/failing-named', async (request) => {
        await request.db.raw('selec ?', [1]).options({ name: 'bad' } as never)
      })
      app.get(
        '/limits',
        async (request) =>
          (
            await request.db.raw(`select current_setting('statement_timeout') as s,
        current_setting('idle_in_transaction_session_timeout') as i, current_setting('transaction_isolation') as l,
        current_setting('transaction_read_only') as r`)
          ).rows,
      )
    },
    { knex: openKnex(between.url, 1), statementTimeoutMs: 4_000, idleTimeoutMs: 5_000 },
  )
  await hit('GET', '/one')
  const sent = async (path: string) => {
    between.messages.length = 0
    const answer = await hit('GET', path)
    return { answer, messages: between.messages }
  }
  t.test('goes out with BEGIN, its isolation and its limits in one message', async (t) => {
    const { messages } = await sent('/values')
    t.equal(messages.length, 2)
    t.match(
      messages[0],
      /BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY[\s\S]*SET LOCAL statement_timeout = 4000[\s\S]*SET LOCAL idle_in[\s\S]*select \* from "users"/,
    )
    t.match(messages[1], /COMMIT/)
  })
  t.test('without values, too', async (t) => {
    const { messages, answer } = await sent('/one')
    t.equal(messages.length, 2)
    t.same(JSON.parse(answer.body), [{ one: 1 }])
    t.equal(JSON.parse((await hit('GET', '/plain')).body).length, 2)
    t.same(JSON.parse((await hit('GET', '/comment')).body), [])
  })
  t.test('with a name, after BEGIN', async (t) => {
    t.same(JSON.parse((await hit('GET', '/named')).body), [{ one: 1 }])
    t.equal((await hit('GET', '/failing-named')).status, 500)
    t.same(JSON.parse((await hit('GET', '/named')).body), [{ one: 1 }])
  })
  t.test('has limits that are gone after the transaction', async (t) => {
    t.same(JSON.parse((await hit('GET', '/limits')).body), [
      { s: '4s', i: '5s', l: 'read committed', r: 'off' },
    ])
  })
  t.test('does not run where BEGIN fails', async (t) => {
    const knex = openKnex(database.url, 1, {})
    const { hit } = await start(
      t,
      database,
      (app) => {
        app.post('/', { config: { db: { statementTimeoutMs: 2 ** 31 - 1 } } }, async (request) => {
          await request.db('users').insert({ email: 'x' })
        })
      },
      { knex },
    )
    // a transaction that is already there and failed stands for whatever makes BEGIN fail
    const connection = await knex.client.acquireConnection()
    await connection.query('BEGIN')
    await connection.query('selec').catch(() => {})
    knex.client.releaseConnection(connection)
    const answer = await hit('POST', '/')
    t.equal(answer.status, 500)
    t.same(answer.seen, [])
    t.equal((await hit('POST', '/')).status, 200, 'and the connection is clean again')
  })
})

t.test('a connection lost during COMMIT', async (t) => {
  const between = await proxy(t, database.url)
  let runs = 0
  let mails = 0
  const { hit, knex, app } = await start(
    t,
    database,
    (app) => {
      app.post('/', { config: { db: { retry: 5, statementTimeoutMs: 100 } } }, async (request, reply) => {
        runs++
        await request.db('users').insert({ email: 'x' })
        request.db.afterCommit(() => mails++)
        return reply.code(201).header('location', '/1').send({})
      })
      app.post('/for-ever', { config: { db: { statementTimeoutMs: 0 } } }, async (request) => {
        await request.db('users').insert({ email: 'for ever' })
        return {}
      })
    },
    { knex: openKnex(between.url, 2) },
  )
  for (const how of ['cut', 'mute'] as const) {
    t.test(`is told as an unknown outcome, and never retried: ${how}`, async (t) => {
      runs = 0
      between.onMessage = (text) => (text.includes('COMMIT') ? how : 'pass')
      const answer = await hit('POST', '/')
      t.equal(answer.status, 503)
      t.equal(answer.json.code, 'DB_SESSION_COMMIT_OUTCOME_UNKNOWN')
      t.equal(answer.headers.get('location'), null)
      t.equal(runs, 1)
      t.equal(mails, 0)
      t.equal(used(knex), 0)
    })
  }
  t.test('is known where the answer comes', async (t) => {
    between.onMessage = () => 'pass'
    t.equal((await hit('POST', '/')).status, 201)
    t.same((await hit('POST', '/for-ever')).seen, ['x', 'for ever'])
  })
  t.test('in a unit of work', async (t) => {
    between.onMessage = (text) => (text.includes('COMMIT') ? 'cut' : 'pass')
    const error = await rejection(app.unitOfWork((db) => db('users').insert({ email: 'unit' })))
    t.equal(error.code, 'DB_SESSION_COMMIT_OUTCOME_UNKNOWN')
    between.onMessage = () => 'pass'
  })
})

t.test('a backend that is killed', async (t) => {
  const { hit, knex } = await start(t, database, (app) => {
    app.post('/between', async (request) => {
      const { pid } = await request.db.select(request.db.raw('pg_backend_pid() as pid')).first()
      await database.other.query('select pg_terminate_backend($1)', [pid])
      await until(
        async () =>
          (await database.see(`select count(*)::int from pg_stat_activity where pid = ${pid}`))[0] === 0,
      )
      await request.db('users').insert({ email: 'x' })
      return {}
    })
    app.post('/swallowed', async (request) => {
      await request.db.raw('select pg_terminate_backend(pg_backend_pid())').catch(() => {})
      await request
        .db('users')
        .insert({ email: 'x' })
        .catch(() => {})
      return {}
    })
    app.post('/during', async (request) => {
      await request.db.raw('select pg_terminate_backend(pg_backend_pid())')
    })
    app.get('/rows', { config: { db: { mode: 'read' } } }, async (request, reply) => {
      const rows = request.db
        .raw('select pg_backend_pid() as pid, g from generate_series(1, 1000000) g')
        .stream()
      rows.once('data', ({ pid }) => {
        database.other.query('select pg_terminate_backend($1)', [pid])
      })
      rows.on('error', () => reply.raw.destroy())
      return reply.send(rows.map((row: { g: number }) => `${row.g} ${'x'.repeat(1_000)}\n`))
    })
    app.post('/ok', async (request) => {
      await request.db('users').insert({ email: 'ok' })
      return {}
    })
  })
  for (const path of ['/between', '/during', '/swallowed']) {
    t.test(`${path} a statement is a 5xx, and service goes on`, async (t) => {
      const answer = await hit('POST', path)
      t.ok(answer.status >= 500, String(answer.status))
      t.equal(answer.json.code, 'DB_SESSION_CONNECTION_LOST')
      await until(() => used(knex) === 0)
      t.same((await hit('POST', '/ok')).seen, ['ok'])
    })
  }
  t.test('under a stream of rows ends the stream, and leaves no slot', async (t) => {
    await t.rejects(hit('GET', '/rows'))
    await until(() => used(knex) === 0)
    t.same((await hit('POST', '/ok')).seen, ['ok'])
  })
})

t.test('a connection that does not come back from a cancelled session is thrown away', async (t) => {
  const between = await proxy(t, database.url)
  const { hit, knex } = await start(
    t,
    database,
    (app) => {
      app.post('/', { handlerTimeout: 50 }, async (request) => {
        await request.db('users').insert({ email: 'x' })
        between.onMessage = () => 'mute'
        await request.db.raw('select 1')
      })
      app.post('/thrown', async (request) => {
        await request.db('users').insert({ email: 'x' })
        between.onMessage = () => 'mute'
        throw new Error('no')
      })
      app.post('/ok', async (request) => {
        await request.db('users').insert({ email: 'ok' })
        return {}
      })
    },
    { knex: openKnex(between.url, 1), cancelTimeoutMs: 100 },
  )
  for (const [path, status] of [
    ['/', 503],
    ['/thrown', 500],
  ] as const) {
    t.equal((await hit('POST', path)).status, status)
    between.onMessage = () => 'pass'
    await until(() => used(knex) === 0)
    const answer = await hit('POST', '/ok')
    t.equal(answer.status, 200)
    t.same(answer.seen, ['ok'])
    await database.other.query('truncate users cascade')
  }
})

t.test('when all connections are cut, as by a restart, service goes on as before', async (t) => {
  const between = await proxy(t, database.url)
  const { hit, knex } = await start(
    t,
    database,
    (app) => {
      app.post('/slow', async (request) => {
        await request.db('users').insert({ email: 'slow' })
        await request.db.raw('select pg_sleep(60)')
      })
      app.post('/ok', async (request) => {
        await request.db('users').insert({ email: null })
        return {}
      })
    },
    { knex: openKnex(between.url, 5) },
  )
  const together = () => Promise.all(Array.from({ length: 4 }, () => hit('POST', '/ok')))
  await together()
  const slow = hit('POST', '/slow')
  await until(() => between.messages.some((text) => text.includes('pg_sleep')))
  between.cutAll()
  const answer = await slow
  t.equal(answer.status, 503)
  t.equal(answer.json.code, 'DB_SESSION_CONNECTION_LOST')
  t.equal(used(knex), 0)
  t.same([...new Set((await together()).map(({ status }) => status))], [200])
  t.notOk((await database.see('select email from users')).includes('slow'))
})
