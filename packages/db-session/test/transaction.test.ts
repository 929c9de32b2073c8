import Cursor from 'pg-cursor'
import t from 'tap'
import type { DbSession } from '../src/index.ts'
import { proxy } from './proxy.ts'
import { openDatabase, openKnex, start, until, used } from './setup.ts'

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
    },
    { knex: openKnex(between.url, 1), statementTimeoutMs: 4_000, idleTimeoutMs: 5_000 },
  )
  await hit('GET', '/one')
  const sent = async (path: string) => {
    between.messages.length = 0
    const response = await hit('GET', path)
    return { response, messages: between.messages }
  }
  t.test('the first statement is sent in one message with BEGIN, its isolation and its limits', async (t) => {
    const { messages } = await sent('/values')
    t.equal(messages.length, 2)
    t.match(
      messages[0],
      /BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY[\s\S]*SET LOCAL statement_timeout = 4000[\s\S]*SET LOCAL idle_in[\s\S]*select \* from "users"/,
    )
    t.match(messages[1], /COMMIT/)
  })
  t.test('a first statement without values is sent in one message too', async (t) => {
    const { messages, response } = await sent('/one')
    t.equal(messages.length, 2)
    t.same(JSON.parse(response.body), [{ one: 1 }])
    t.equal(JSON.parse((await hit('GET', '/plain')).body).length, 2)
    t.same(JSON.parse((await hit('GET', '/comment')).body), [])
  })
  t.test('a first statement with a name is sent after BEGIN', async (t) => {
    t.same(JSON.parse((await hit('GET', '/named')).body), [{ one: 1 }])
    t.equal((await hit('GET', '/failing-named')).status, 500)
    t.same(JSON.parse((await hit('GET', '/named')).body), [{ one: 1 }])
  })
  t.test('a first statement does not run if BEGIN fails', async (t) => {
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
    // a failed transaction that is still open is one of the reasons why BEGIN fails
    const connection = await knex.client.acquireConnection()
    await connection.query('BEGIN')
    await connection.query('selec').catch(() => {})
    knex.client.releaseConnection(connection)
    const response = await hit('POST', '/')
    t.equal(response.status, 500)
    t.same(response.seen, [])
    t.equal((await hit('POST', '/')).status, 200, 'the connection is clean again')
  })
})

t.test('a backend that is killed', async (t) => {
  const { hit, knex } = await start(t, database, (app) => {
    const kill = async (db: DbSession) => {
      const { pid } = await db.select(db.raw('pg_backend_pid() as pid')).first()
      await database.other.query('select pg_terminate_backend($1)', [pid])
      await until(
        async () =>
          (await database.see(`select count(*)::int from pg_stat_activity where pid = ${pid}`))[0] === 0,
      )
    }
    app.post('/between', async (request) => {
      await kill(request.db)
      await request.db('users').insert({ email: 'x' })
      return {}
    })
    app.post('/before the row stream of', async (request, reply) => {
      await kill(request.db)
      return reply.send(request.db('users').select('email').stream().map(String))
    })
    app.post('/before the loop of', async (request) => {
      await kill(request.db)
      for await (const row of request.db('users').select('email').stream()) return row
    })
    app.post('/before the cursor of', async (request) => {
      await kill(request.db)
      const connection = await request.db.client.acquireConnection()
      return connection.query(new Cursor('select 1', [])).read(1)
    })
    app.post('/in', async (request) => {
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
  const moments = [
    'between',
    'during',
    'in',
    ...['row stream', 'loop', 'cursor'].map((it) => `before the ${it} of`),
  ]
  for (const moment of moments) {
    t.test(
      `a backend that is killed ${moment} a statement is a 503, and the next request succeeds`,
      async (t) => {
        const response = await hit('POST', `/${encodeURIComponent(moment)}`)
        t.match(response, { status: 503, json: { code: 'DB_SESSION_CONNECTION_LOST' } })
        await until(() => used(knex) === 0)
        t.same((await hit('POST', '/ok')).seen, ['ok'])
      },
    )
  }
  t.test('if the backend is killed during a row stream, the response is aborted', async (t) => {
    await t.rejects(hit('GET', '/rows'))
    await until(() => used(knex) === 0)
    t.same((await hit('POST', '/ok')).seen, ['ok'])
  })
})

t.test('a connection that does not reply to a ROLLBACK is discarded', async (t) => {
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
    const response = await hit('POST', '/ok')
    t.equal(response.status, 200)
    t.same(response.seen, ['ok'])
    await database.other.query('truncate users cascade')
  }
})

t.test('a savepoint whose statement cannot be cancelled fails its session', async (t) => {
  const between = await proxy(t, database.url)
  const { hit, knex } = await start(
    t,
    database,
    (app) => {
      app.post('/', async ({ db }) => {
        await db('users').insert({ email: 'x' })
        const work = async (db: DbSession) => {
          await db('users').insert({ email: 'y' })
          between.onMessage = () => 'mute'
          db.query('select 1').catch(() => {})
          throw new Error('undo')
        }
        await db.savepoint(work).catch(() => {})
        return {}
      })
    },
    { knex: openKnex(between.url, 1), cancelTimeoutMs: 100 },
  )
  t.match(await hit('POST', '/'), { status: 503, json: { code: 'DB_SESSION_CONNECTION_LOST' }, seen: [] })
  await until(() => used(knex) === 0)
})

t.test('a request succeeds after all connections were cut', async (t) => {
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
  const response = await slow
  t.equal(response.status, 503)
  t.equal(response.json.code, 'DB_SESSION_CONNECTION_LOST')
  t.equal(used(knex), 0)
  t.same([...new Set((await together()).map(({ status }) => status))], [200])
  t.notOk((await database.see('select email from users')).includes('slow'))
})
