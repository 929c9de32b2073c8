/** Sessions of mode `read`: one message per statement, and no connection between statements. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Model } from 'objection'
import t, { type Test } from 'tap'
import type { DbSession, DbSessionOptions } from '../src/index.ts'
import { proxy } from './proxy.ts'
import { openDatabase, openKnex, raise, send, start, until, used } from './setup.ts'

const database = await openDatabase(t)
await database.other.query("insert into users (email) values ('a'), ('b')")
const READ = { config: { db: { mode: 'read' } } } as const
class User extends Model {
  static override tableName = 'users'
}

/** An app whose round trips to Postgres are counted; `max: 1`, so all sessions share one connection. */
async function serve(
  t: Test,
  routes: (app: FastifyInstance) => void,
  {
    max = 1,
    latencyMs = 4,
    ...options
  }: Partial<DbSessionOptions> & { max?: number; latencyMs?: number } = {},
) {
  const network = await proxy(t, database.url, latencyMs)
  const knex = openKnex(network.url, max)
  const running = await start(t, database, routes, { knex, ...options })
  // the first request opens the connection
  await running.app.unitOfWork((db) => db.query('select 1'))
  network.roundTrips.length = 0
  return { ...running, network, roundTrips: () => network.roundTrips.splice(0) }
}

const idleInTransaction = () =>
  database.see(
    "select query from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'",
  )

const reads: Record<string, (request: FastifyRequest) => PromiseLike<unknown>> = {
  'query()': ({ db }) => db.query('select * from users where id = $1', [1]),
  'query() with a config': ({ db }) =>
    db.query({ text: 'select * from users where id = $1', values: [1], rowMode: 'array' } as never),
  'the builder of knex': ({ db }) => db('users').where({ id: 1 }),
  'raw()': ({ db }) => db.raw('select * from users where id = ?', [1]),
  'raw() without values': ({ db }) => db.raw('select * from users'),
  'a query of Objection': ({ db }) => User.query(db).findById(1),
}

t.test('a statement of mode read', async (t) => {
  const { hit, roundTrips, knex } = await serve(t, (app) => {
    for (const [index, read] of Object.values(reads).entries()) {
      app.get(`/${index}`, READ, async (request) => {
        await read(request)
        return request.db.timeline.map(({ kind }) => kind)
      })
      app.get(`/twice/${index}`, READ, async (request) => {
        await read(request)
        const between = [used(knex), (await idleInTransaction()).length]
        await read(request)
        return [...between, used(knex)]
      })
    }
  })
  for (const [index, title] of Object.keys(reads).entries()) {
    t.test(
      `a read by ${title} is one round trip: BEGIN READ ONLY, the limits, the statement, COMMIT`,
      async (t) => {
        const response = await hit('GET', `/${index}`)
        t.equal(response.status, 200, response.body)
        const sent = roundTrips()
        t.equal(sent.length, 1)
        t.match(
          sent[0],
          /BEGIN[^;]*READ ONLY.*statement_timeout = 10000.*idle_in_transaction_session_timeout.*users.*COMMIT/s,
        )
        t.match(JSON.parse(response.body), ['begin', 'query', 'commit'], 'the timeline shows what was sent')
      },
    )
    t.test(`between two reads by ${title}, no connection is held`, async (t) => {
      const response = await hit('GET', `/twice/${index}`)
      t.same(JSON.parse(response.body), [0, 0, 0])
      t.equal(roundTrips().length, 2)
    })
  }
  t.same(await idleInTransaction(), [])
})

t.test('each of several simultaneous statements is sent in a separate message', async (t) => {
  const { hit, roundTrips } = await serve(t, (app) => {
    app.get('/', READ, async ({ db }) => {
      const results = await Promise.all([1, 2, 3].map((n) => db.query('select $1::int as n', [n])))
      return results.map(({ rows }) => rows[0].n)
    })
  })
  t.equal((await hit('GET', '/')).body, '[1,2,3]')
  const sent = roundTrips()
  t.equal(sent.length, 3)
  for (const each of sent) t.match(each, /BEGIN.*READ ONLY.*COMMIT/s)
})

t.test('while a session of mode read waits for something else, others can use its connection', async (t) => {
  let waiting = 0
  let go = () => {}
  const gate = new Promise<void>((resolve) => {
    go = resolve
  })
  const { hit } = await serve(t, (app) => {
    app.get('/', READ, async ({ db }) => {
      await db.query('select 1')
      waiting++
      await gate
      return (await db.query('select 2 as two')).rows[0]
    })
  })
  const responses = [1, 2, 3].map(() => hit('GET', '/'))
  await until(() => waiting === 3, 'three sessions on a pool of one')
  go()
  t.same(
    (await Promise.all(responses)).map(({ json }) => json.two),
    [2, 2, 2],
  )
})

t.test('each statement sees what was committed before it', async (t) => {
  const count = async (db: DbSession) => Number((await db.query('select count(*) from users')).rows[0].count)
  const { hit } = await serve(t, (app) => {
    for (const isolation of ['read committed', 'repeatable read', 'serializable'] as const) {
      app.get(
        `/${isolation.replace(' ', '-')}`,
        { config: { db: { mode: 'read', isolation } } },
        async ({ db }) => {
          const before = await count(db)
          await database.other.query(`insert into users (email) values ('${isolation}')`)
          return { more: (await count(db)) - before }
        },
      )
    }
  })
  t.match((await hit('GET', '/read-committed')).json, { more: 1 })
  t.match((await hit('GET', '/repeatable-read')).json, { more: 0 }, 'unless the isolation is higher')
  t.match((await hit('GET', '/serializable')).json, { more: 0 })
})

t.test('a higher isolation, a row stream and a savepoint each use one transaction', async (t) => {
  const spans: Record<string, [db: object, handler: (db: DbSession) => Promise<unknown>]> = {
    'repeatable read': [{ isolation: 'repeatable read' }, (db) => db.query('select 1')],
    serializable: [{ isolation: 'serializable' }, (db) => db.query('select 1')],
    'a savepoint': [{}, (db) => db.savepoint((savepoint) => savepoint.query('select 1'))],
    'a transaction()': [{}, (db) => db.transaction((trx) => trx.raw('select 1') as never)],
    'a row stream': [
      {},
      async (db) => {
        for await (const row of db.raw('select generate_series(1, 300) as g').stream()) if (row.g === 3) break
      },
    ],
  }
  const { hit, knex, roundTrips } = await serve(t, (app) => {
    for (const [index, [db, handler]] of Object.values(spans).entries()) {
      app.get(`/${index}`, { config: { db: { mode: 'read', ...db } } as never }, async (request) => {
        await handler(request.db)
        const held = used(knex)
        await request.db.query('select 2')
        return { held, still: used(knex) }
      })
    }
  })
  for (const [index, title] of Object.keys(spans).entries()) {
    t.match((await hit('GET', `/${index}`)).json, { held: 1, still: 1 }, title)
    await until(() => used(knex) === 0)
    const sent = roundTrips().join('\n')
    t.equal(sent.match(/BEGIN/g)?.length, 1, `${title}: one BEGIN`)
    t.match(sent, /READ ONLY/)
    t.equal(sent.match(/COMMIT/g)?.length, 1, `${title}: one COMMIT`)
  }
})

t.test('a statement that fails', async (t) => {
  const failures: Record<string, string> = {
    'a runtime error': 'select 1/0',
    'a syntax error': 'selec 1',
    'an exception': raise('P0001'),
    'a timeout': 'select pg_sleep(60)',
  }
  const { hit, knex, roundTrips, network } = await serve(
    t,
    (app) => {
      for (const [index, sql] of Object.values(failures).entries()) {
        app.get(`/swallowed/${index}`, READ, async ({ db }) => {
          await db.query(sql).catch(() => {})
          const held = used(knex)
          return { held, one: (await db.raw('select 1 as one')).rows[0].one }
        })
        app.get(`/thrown/${index}`, READ, ({ db }) => db.query(sql))
        app.get(`/sibling/${index}`, READ, async ({ db }) => {
          const results = await Promise.allSettled([
            db.query('select 1'),
            db.query(sql),
            db('users').select(db.raw('1 as one')).first(),
          ])
          return results.map(({ status }) => status)
        })
      }
      app.get('/clean', async ({ db }) => (await db.query('select txid_current_if_assigned() as id')).rows[0])
    },
    { statementTimeoutMs: 100 },
  )
  for (const [index, title] of Object.keys(failures).entries()) {
    t.test(`after ${title}, a ROLLBACK is sent before the connection is released`, async (t) => {
      const status = title === 'a timeout' ? 503 : 500
      t.equal((await hit('GET', `/thrown/${index}`)).status, status)
      const sent = roundTrips()
      t.match(sent.at(-1), /ROLLBACK/)
      await until(() => used(knex) === 0)
      t.same(await idleInTransaction(), [])
      t.same((await hit('GET', '/clean')).json, { id: null }, 'the next session has a new transaction')
    })
    t.test(`a caught error (${title}) fails neither the next statement nor the response`, async (t) => {
      t.match(await hit('GET', `/swallowed/${index}`), { status: 200, json: { held: 0, one: 1 } })
      t.equal((await hit('GET', `/sibling/${index}`)).body, '["fulfilled","rejected","fulfilled"]')
      t.same(await idleInTransaction(), [])
    })
  }
  t.ok(network.openings.length <= 2, 'without a new connection for each')
})

const transactional: Record<string, (db: DbSession) => PromiseLike<unknown>> = {
  'SET LOCAL': (db) => db.query("set local app.tenant = '7'"),
  'set local, by raw()': (db) => db.raw("set local app.tenant = '7'"),
  'SET LOCAL ROLE': (db) => db.query('SET LOCAL ROLE pg_monitor'),
  'set_config() of the transaction': (db) => db.query("select set_config('app.tenant', '7', true)"),
  'set_config() of the transaction, with values': (db) =>
    db.query('select set_config($1, $2, true)', ['app.tenant', '7']),
  'set_config() by the builder': (db) => db.select(db.raw("set_config('app.tenant', ?, true)", ['7'])),
  'SET TRANSACTION': (db) => db.query('set transaction isolation level serializable'),
  'SET CONSTRAINTS': (db) => db.query('set constraints all immediate'),
  pg_advisory_xact_lock: (db) => db.query('select pg_advisory_xact_lock(1)'),
  'pg_advisory_xact_lock_shared, in capitals': (db) => db.query('SELECT PG_ADVISORY_XACT_LOCK_SHARED(1)'),
  pg_try_advisory_xact_lock: (db) => db.raw('select pg_try_advisory_xact_lock(?, ?)', [1, 2]),
  'SET LOCAL after a comment': (db) =>
    db.query('/* of the tenant */ -- and more\n  set   local app.tenant = 7'),
  'set_config() after an escaped quote': (db) =>
    db.query("select E'it\\'s', set_config('app.tenant', '7', true)"),
  'set_config() with its schema': (db) => db.query("select pg_catalog.set_config('app.tenant', '7', true)"),
}
const harmless: Record<string, (db: DbSession) => PromiseLike<unknown>> = {
  'SET LOCAL in a literal': (db) => db.query("select 'set local x = 1' as text"),
  'SET LOCAL after an escaped quote in a literal': (db) =>
    db.query("select e'it\\'s set local x = 1' as text"),
  'an advisory lock in a comment': (db) => db.query('select 1 -- pg_advisory_xact_lock(1)'),
  'an advisory lock in a nested comment': (db) =>
    db.query('select /* a /* b */ pg_advisory_xact_lock(1) */ 1'),
  'set_config() in a dollar-quoted literal': (db) =>
    db.query("select $x$ select set_config('a.b', '7', true) $x$ as text"),
  'a column with such a name': (db) => db.query('select 1 as "pg_advisory_xact_lock(1)"'),
  'set_config() of the connection': (db) => db.query("select set_config('app.connection', '7', false)"),
  'SHOW and current_setting()': (db) => db.query("select current_setting('app.tenant', true)"),
  'an advisory lock as a value': (db) => db.query('select $1::text', ['select pg_advisory_xact_lock(1)']),
}

t.test('statements whose effect would end with the message', async (t) => {
  const { hit } = await serve(
    t,
    (app) => {
      for (const [name, cases] of Object.entries({ transactional, harmless })) {
        for (const [index, run] of Object.values(cases).entries()) {
          const handle = async (db: DbSession) => {
            await run(db)
            return {}
          }
          app.get(`/${name}/${index}`, READ, ({ db }) => handle(db))
          app.get(`/${name}/savepoint/${index}`, READ, ({ db }) => db.savepoint(handle))
          app.get(
            `/${name}/repeatable/${index}`,
            { config: { db: { mode: 'read', isolation: 'repeatable read' } } },
            ({ db }) => handle(db),
          )
          app.get(`/${name}/write/${index}`, ({ db }) => handle(db))
        }
      }
    },
    { latencyMs: 0, max: 3 },
  )
  for (const [index, title] of Object.keys(transactional).entries()) {
    t.test(
      `${title} is rejected in mode read, with an error that names \`begin\` and \`isolation\``,
      async (t) => {
        const response = await hit('GET', `/transactional/${index}`)
        t.match(response, { status: 500, json: { code: 'DB_SESSION_NEEDS_TRANSACTION' } }, response.body)
        t.match(response.json.message, /`?begin`?/)
        t.match(response.json.message, /`?isolation`?/)
        for (const way of ['savepoint', 'repeatable', 'write']) {
          if (title === 'SET TRANSACTION' && way === 'savepoint') continue
          const inTransaction = await hit('GET', `/transactional/${way}/${index}`)
          t.not(inTransaction.json.code, 'DB_SESSION_NEEDS_TRANSACTION', way)
        }
      },
    )
  }
  for (const [index, title] of Object.keys(harmless).entries()) {
    t.test(`${title} is not rejected in mode read`, async (t) => {
      const response = await hit('GET', `/harmless/${index}`)
      t.equal(response.status, 200, response.body)
    })
  }
})

t.test('a write in mode read is rejected, however it is sent', async (t) => {
  const writes: Record<string, (db: DbSession) => PromiseLike<unknown>> = {
    'by query()': (db) => db.query("insert into users (email) values ('no')"),
    'by the builder': (db) => db.from('users').insert({ email: 'no' }),
    'by Objection': (db) => User.query(db).insert({ email: 'no' } as never),
    'by a CTE': (db) =>
      db.query("with w as (insert into users (email) values ('no') returning id) select * from w"),
    'by a function': (db) => db.query("select nextval('users_id_seq')"),
    'in a savepoint': (db) =>
      db.savepoint((savepoint) => savepoint.query("insert into users (email) values ('no')")),
    'by READ WRITE in a savepoint': (db) =>
      db.savepoint(async (savepoint) => {
        await savepoint.query('set transaction read write')
        await savepoint.query("insert into users (email) values ('no')")
      }),
    'by READ WRITE': (db) => db.query('set transaction read write'),
    'by COMMIT and an insert': async (db) => {
      await db.query('commit').catch(() => {})
      await db.query("insert into users (email) values ('no')")
    },
    'by BEGIN and an insert': async (db) => {
      await db.query('begin').catch(() => {})
      await db.query("insert into users (email) values ('no')")
    },
    'by SET SESSION CHARACTERISTICS': async (db) => {
      await db.query('set session characteristics as transaction read write')
      await db.query("insert into users (email) values ('no')")
    },
  }
  const { hit, knex } = await serve(
    t,
    (app) => {
      for (const [index, write] of Object.values(writes).entries())
        app.post(`/${index}`, READ, async ({ db }) => {
          await write(db)
          return {}
        })
    },
    { latencyMs: 0 },
  )
  for (const [index, title] of Object.keys(writes).entries()) {
    const response = await hit('POST', `/${index}`)
    t.equal(response.status, 500, `${title}: ${response.body}`)
    t.notOk(response.seen.includes('no'), title)
    await until(() => used(knex) === 0)
  }
  t.same(await idleInTransaction(), [])
})

t.test('primary or replica', async (t) => {
  const NAME = "select current_setting('application_name') as name"
  const server = async (db: DbSession) => (await db.query(NAME)).rows[0].name
  // Both set a name, because PgBouncer may give one of them the connection of the other.
  const primary = { ...database, url: `${database.url}?application_name=primary` }
  const url = `${database.url}?application_name=replica`
  const routes = (app: FastifyInstance) => {
    for (const [path, db] of Object.entries({
      '/replica': { mode: 'read', replica: true },
      '/repeatable': { mode: 'read', replica: true, isolation: 'repeatable read' },
      '/read': { mode: 'read' },
      '/false': { mode: 'read', replica: false },
      '/write': {},
    }))
      app.get(path, { config: { db } as never }, async ({ db }) => {
        const [first, ...rest] = await Promise.all([server(db), server(db)])
        return { servers: [...new Set([first, ...rest, await server(db)])] }
      })
    app.get('/savepoint', { config: { db: { mode: 'read', replica: true } as never } }, async ({ db }) => ({
      servers: [await server(db), await db.savepoint(server)],
    }))
    app.get('/breaks', { config: { db: { mode: 'read', replica: true } as never } }, async ({ db }) => {
      const first = await server(db)
      await network.cut()
      return { servers: [first, await server(db).catch(({ code }) => code)] }
    })
  }
  const network = { cut: async () => {} }
  t.test('the replica serves only routes with `replica: true`, and their whole session', async (t) => {
    const replica = openKnex(url, 2)
    const { hit, app } = await start(t, primary, routes, { replica })
    t.same((await hit('GET', '/replica')).json, { servers: ['replica'] })
    t.same((await hit('GET', '/repeatable')).json, { servers: ['replica'] })
    t.same((await hit('GET', '/savepoint')).json, { servers: ['replica', 'replica'] })
    for (const path of ['/read', '/false', '/write'])
      t.same((await hit('GET', path)).json, { servers: ['primary'] }, path)
    const byUnit = (options: object) => app.unitOfWork(server, options as never)
    t.equal(await byUnit({ mode: 'read', replica: true }), 'replica')
    t.equal(await byUnit({ mode: 'read' }), 'primary')
    t.equal(used(replica), 0)
  })
  t.test('the primary serves if no connection to the replica is available', async (t) => {
    const full = openKnex(url, 1)
    const held = await full.client.acquireConnection()
    const closed = openKnex('postgres://nobody@127.0.0.1:1/none')
    const wrong = openKnex(url.replace(/\/\/[^@]*@/, '//nobody_at_all:wrong@'))
    for (const [name, replica] of Object.entries({ full, closed, wrong })) {
      const { hit, knex } = await start(t, primary, routes, {
        replica,
        acquireTimeoutMs: 300,
      })
      for (const path of ['/replica', '/repeatable', '/savepoint']) {
        const { status, json } = await hit('GET', path)
        t.match(
          { status, servers: [...new Set(json.servers as string[])] },
          { status: 200, servers: ['primary'] },
          `${name} ${path}`,
        )
      }
      t.equal(used(knex), 0)
    }
    await full.client.releaseConnection(held)
  })
  t.test('a session that started on the replica stays there, even if its connection breaks', async (t) => {
    const line = await proxy(t, url)
    network.cut = async () => line.cutAll()
    const { hit, knex } = await start(t, primary, routes, { replica: openKnex(line.url, 2) })
    const { json } = await hit('GET', '/breaks')
    t.notOk((json.servers as string[]).includes('primary'), JSON.stringify(json))
    t.equal(used(knex), 0)
    t.same(
      (await hit('GET', '/replica')).json,
      { servers: ['replica'] },
      'the next session uses the replica again',
    )
  })
})

t.test('a client that disconnects in a one-message read frees the connection', async (t) => {
  const { base, knex, app } = await serve(
    t,
    (app) => {
      app.get('/', READ, async ({ db }) => {
        await db.query('select pg_sleep(60)')
      })
    },
    { latencyMs: 0 },
  )
  const gone = send(base, 'GET')
  await until(() => used(knex) === 1)
  gone.destroy()
  await until(() => used(knex) === 0, 'the release of the connection')
  await until(
    async () =>
      (
        await database.see(
          "select 1 from pg_stat_activity where datname = current_database() and query ~ 'pg_sleep.60.' and state = 'active' and pid <> pg_backend_pid()",
        )
      ).length === 0,
    'the cancel',
  )
  t.equal((await app.unitOfWork((db) => db.query('select 5 as five'))).rows[0].five, 5)
})

t.test('a unit of work in mode read also sends one message per statement', async (t) => {
  const { app, roundTrips } = await serve(t, () => {})
  await app.unitOfWork(
    async (db) => {
      await db.query('select 1')
      await db('users').select('id')
    },
    { mode: 'read' },
  )
  t.equal(roundTrips().length, 2)
})

t.test('commit() and afterCommit() work in mode read', async (t) => {
  let ran = 0
  const { hit } = await serve(t, (app) => {
    app.get('/', READ, async ({ db }) => {
      await db.query('select 1')
      db.afterCommit(() => ran++)
      await db.commit()
      return (await db.query('select 2 as two')).rows[0]
    })
  })
  t.match(await hit('GET', '/'), { status: 200, json: { two: 2 } })
  await until(() => ran === 1)
})
