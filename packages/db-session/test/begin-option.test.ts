/** The option `begin`: statements that go out with every BEGIN. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import type { DbSession, DbSessionOptions } from '../src/index.ts'
import { proxy } from './proxy.ts'
import { openDatabase, openKnex, raise, rejection, start, until, used } from './setup.ts'

const database = await openDatabase(t)
const role = `tenant_role_${process.pid}`
await database.other.query(`
  create table notes (id serial, tenant text default current_setting('app.tenant'), text text);
  alter table notes enable row level security;
  create policy own on notes using (tenant = current_setting('app.tenant'));
  create role ${role};
  grant all on notes, users, posts to ${role};
  grant usage on all sequences in schema public to ${role}`)
t.teardown(async () => {
  await database.other.query(`drop owned by ${role}; drop role ${role}`)
})
t.beforeEach(() => database.other.query('truncate users, posts, notes restart identity cascade'))

type Begin = NonNullable<DbSessionOptions['begin']>
const getTenant = (request: FastifyRequest | undefined) => String(request?.headers['x-tenant'] ?? 'none')
const setTenant = (request: FastifyRequest | undefined) => ({
  text: "select set_config('app.tenant', $1, true)",
  values: [getTenant(request)],
})
const asTenant: Begin = (request) => [`set local role ${role}`, setTenant(request)]
const TENANT = "select current_setting('app.tenant', true) as tenant"
const READ = { config: { db: { mode: 'read' } } } as const

async function serve(t: Test, begin: Begin, routes: (app: FastifyInstance) => void, options = {}) {
  const running = await start(t, database, routes, { begin, sleep: async () => {}, ...options })
  const as = async (tenant: string, method: string, path: string) => {
    const response = await fetch(running.base + path, { method, headers: { 'x-tenant': tenant } })
    return { status: response.status, body: await response.text() }
  }
  return { ...running, as }
}

for (const [title, statements] of Object.entries<(tenant: string) => ReturnType<Begin>>({
  'a string': (tenant) => `set local app.tenant = '${tenant}'`,
  'a text without values': (tenant) => ({ text: `set local app.tenant = '${tenant}'` }),
  'a text with values': (tenant) => ({ text: "select set_config('app.tenant', $1, true)", values: [tenant] }),
  'an array with one statement': (tenant) => [`set local app.tenant = '${tenant}'`],
  'an array with a string and a text with values': (tenant) => [
    "set local app.tenant = 'first'",
    { text: "select set_config('app.tenant', $1, true)", values: [tenant] },
  ],
})) {
  t.test(`begin may return ${title}, in every kind of session`, async (t) => {
    const tenant = async ({ db }: FastifyRequest) => (await db.query(TENANT)).rows
    const { as } = await serve(
      t,
      (request) => statements(getTenant(request)),
      (app) => {
        app.get('/write', tenant)
        app.get('/read', READ, tenant)
        app.get('/serializable', { config: { db: { mode: 'read', isolation: 'serializable' } } }, tenant)
        app.get('/savepoint', READ, ({ db }) =>
          db.savepoint(async (savepoint) => (await savepoint.query(TENANT)).rows),
        )
        app.get('/rows', READ, async ({ db }) => db.raw(TENANT).stream().toArray())
        app.get('/knex', ({ db }) => db.select(db.raw("current_setting('app.tenant', true) as tenant")))
      },
    )
    for (const path of ['/write', '/read', '/serializable', '/savepoint', '/rows', '/knex']) {
      const { body } = await as('seven', 'GET', path)
      t.same(JSON.parse(body), [{ tenant: 'seven' }], path)
    }
  })
}

t.test('begin is called once for every BEGIN, and at no other time', async (t) => {
  const calls: (string | undefined)[] = []
  let runs = 0
  const { as, app } = await serve(
    t,
    (request) => {
      calls.push(request?.url)
      return setTenant(request)
    },
    (app) => {
      app.get('/unused', async () => ({}))
      app.get('/write', async ({ db }) => {
        await db.query('select 1')
        await db.savepoint((savepoint) => savepoint.query('select 2'))
        return {}
      })
      app.get('/commits', async ({ db }) => {
        await db.query('select 1')
        await db.commit()
        await db.query('select 2')
        await db.commit()
        return {}
      })
      app.get('/reads', READ, async ({ db }) => {
        await Promise.all([db.query('select 1'), db.query('select 2')])
        await db('users')
        return {}
      })
      app.get('/retries', { config: { db: { retry: 5 } } }, async ({ db }) => {
        await db.query('select 1')
        if (++runs < 3) await db.query(raise('40001'))
        return {}
      })
      app.get('/nested', async ({ db }) => {
        await db.query('select 1')
        await db.unitOfWork((unit) => unit.query('select 2'))
        return {}
      })
    },
  )
  for (const [path, times] of [
    ['/unused', 0],
    ['/write', 1],
    ['/commits', 2],
    ['/reads', 3],
    ['/retries', 3],
    ['/nested', 2],
  ] as const) {
    calls.length = 0
    t.equal((await as('x', 'GET', path)).status, 200, path)
    t.equal(calls.length, times, path)
    t.ok(
      calls.every((url) => url === path),
      `${path}: with its request`,
    )
  }
  calls.length = 0
  await app.unitOfWork((db) => db.query('select 1'))
  t.same(calls, [undefined], 'undefined outside a request')
})

t.test('begin adds no round trip', async (t) => {
  const network = await proxy(t, database.url, 4)
  const { as, app } = await serve(
    t,
    asTenant,
    (app) => {
      app.post('/', async ({ db }) => {
        await db('notes').insert({ text: 'x' })
        return {}
      })
      app.get('/', READ, ({ db }) => db('notes').pluck('text'))
    },
    { knex: openKnex(network.url, 1) },
  )
  await app.unitOfWork((db) => db.query('select 1'))
  network.roundTrips.length = 0
  t.equal((await as('a', 'POST', '/')).status, 200)
  const write = network.roundTrips.splice(0)
  t.equal(write.length, 2, 'a write: one for the statement, and one for the COMMIT')
  t.match(write[0], /BEGIN.*set local role.*set_config.*insert into "notes"/s)
  t.equal((await as('a', 'GET', '/')).body, '["x"]')
  const read = network.roundTrips.splice(0)
  t.equal(read.length, 1, 'a read: one')
  t.match(read[0], /BEGIN.*READ ONLY.*set local role.*set_config.*select.*COMMIT/s)
})

t.test('row-level security separates tenants under load, with retries', async (t) => {
  const wrong: string[] = []
  const { as, knex } = await serve(
    t,
    asTenant,
    (app) => {
      app.post('/', { config: { db: { retry: 3 } } }, async ({ db, headers }, reply) => {
        const tenant = headers['x-tenant'] as string
        await db('notes').insert({ text: tenant })
        if (Math.random() < 0.3) await db.query(raise('40001'))
        const seen: string[] = await db('notes').pluck('text')
        if (seen.some((text) => text !== tenant)) wrong.push(tenant)
        return reply.code(201).send({})
      })
      app.get('/', READ, async ({ db, headers }) => {
        const notes = await Promise.all([db('notes').pluck('text'), db('notes').pluck('tenant')])
        if (notes.flat().some((text) => text !== headers['x-tenant']))
          wrong.push(headers['x-tenant'] as string)
        return {}
      })
    },
    { max: 3, acquireTimeoutMs: 20_000 },
  )
  const statuses = await Promise.all(
    Array.from({ length: 120 }, (_, i) => as(`tenant ${i % 7}`, i % 2 ? 'POST' : 'GET', '/')),
  )
  t.ok(statuses.every(({ status }) => status < 500))
  t.same(wrong, [])
  t.same(await database.see('select count(*)::int from notes where text <> tenant'), [0])
  t.equal(used(knex), 0)
})

t.test('a value that begin returns is sent as a value, never as SQL', async (t) => {
  const evil = "x'; drop table notes; --"
  const { as } = await serve(t, setTenant, (app) => {
    app.get('/', async ({ db }) => (await db.query(TENANT)).rows)
    app.get('/read', READ, async ({ db }) => (await db.query(TENANT)).rows)
  })
  for (const path of ['/', '/read'])
    t.same(JSON.parse((await as(evil, 'GET', path)).body), [{ tenant: evil }])
  t.same(await database.see('select count(*)::int from notes'), [0])
})

for (const [title, statements, tenant] of [
  ['no statement', [], ''],
  ['an empty statement', '', ''],
  ['a comment', '-- no tenant', ''],
  ['an empty statement before another one', ['', "set local app.tenant = 'x'"], 'x'],
] as const) {
  t.test(`begin that returns ${title} does not change the rows of the first statement`, async (t) => {
    const { as } = await serve(
      t,
      () => statements,
      (app) => {
        app.get(
          '/',
          async ({ db }) => (await db.query(`select 1 as one, coalesce((${TENANT}), '') as tenant`)).rows,
        )
        app.get(
          '/read',
          READ,
          async ({ db }) => (await db.query(`select 1 as one, coalesce((${TENANT}), '') as tenant`)).rows,
        )
        app.get('/empty', async ({ db }) => (await db.query('')).rows)
      },
    )
    for (const path of ['/', '/read'])
      t.same(JSON.parse((await as('x', 'GET', path)).body), [{ one: 1, tenant }])
    t.same(JSON.parse((await as('x', 'GET', '/empty')).body), [], 'an empty statement has no rows')
  })
}

const failing: Record<string, Begin> = {
  throws: () => {
    throw new Error('of begin')
  },
  'returns a statement that fails': () => 'select 1/0',
  'returns a statement with a syntax error': () => ['set local app.tenant = 7', 'selec 1'],
  'returns a statement with too few values': () => ({ text: 'select $1::int, $2::int', values: [1] }),
  'returns a value that pg cannot send': () => {
    const circular: Record<string, unknown> = {}
    circular.self = circular
    return { text: 'select $1::json', values: [circular] }
  },
  'returns a promise': (async () => 'select 1') as never,
  'returns undefined': (() => undefined) as never,
  'returns a number': (() => 3) as never,
  'returns a text that is not a string': (() => ({ text: 3 })) as never,
  'returns values that are not an array': (() => ({ text: 'select $1', values: 'x' })) as never,
}

for (const [title, begin] of Object.entries(failing)) {
  t.test(`if begin ${title}, no statement of the session runs`, async (t) => {
    let fails = true
    const { as, knex, app } = await serve(
      t,
      (request) => (fails ? begin(request) : setTenant(request)),
      (app) => {
        const insert = (db: DbSession) => db('users').insert({ email: 'x' })
        app.post('/', async ({ db }) => {
          await insert(db)
          return {}
        })
        app.post('/swallowed', async ({ db }) => {
          await insert(db).catch(() => {})
          await db.query("insert into users (email) values ('y')").catch(() => {})
          return {}
        })
        app.get('/read', READ, ({ db }) => db('users'))
        app.get('/rows', READ, ({ db }) => db('users').stream().toArray())
        app.get('/savepoint', ({ db }) => db.savepoint(insert))
      },
      { max: 1 },
    )
    for (const [method, path] of [
      ['POST', '/'],
      ['POST', '/swallowed'],
      ['GET', '/read'],
      ['GET', '/rows'],
      ['GET', '/savepoint'],
    ] as const) {
      const { status, body } = await as('x', method, path)
      t.equal(status, 500, `${path} ${body}`)
      await until(() => used(knex) === 0, 'the release of the connection')
    }
    await rejection(app.unitOfWork((db) => db.query("insert into users (email) values ('unit')")))
    t.same(await database.see('select email from users'), [])
    fails = false
    t.equal((await as('x', 'POST', '/')).status, 200, 'the connection can be used again')
  })
}

t.test('a unit of work can have its own begin', async (t) => {
  const { app } = await start(t, database, () => {})
  const tenant = async (db: DbSession) => (await db.query(TENANT)).rows[0].tenant
  const begin = { text: "select set_config('app.tenant', $1, true)", values: ['nine'] }
  t.equal(await app.unitOfWork(tenant, { begin }), 'nine')
  t.equal(await app.unitOfWork(tenant, { begin: "set local app.tenant = 'ten'", mode: 'read' }), 'ten')
  let runs = 0
  const retried = await app.unitOfWork(
    async (db) => {
      if (++runs === 1) await db.query(raise('40001'))
      return tenant(db)
    },
    { begin: [begin], retry: 2 },
  )
  t.equal(retried, 'nine', 'in each run')
  t.not(await app.unitOfWork(tenant), 'nine', 'the setting ends with the unit of work')
  for (const wrong of [3, [3], { text: 3 }]) {
    const error = await rejection((async () => app.unitOfWork(tenant, { begin: wrong as never }))())
    t.ok(error instanceof TypeError || error.code === 'DB_SESSION_OPTION_INVALID', JSON.stringify(wrong))
  }
})
