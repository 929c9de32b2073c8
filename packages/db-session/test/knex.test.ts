/** knex through a session: it works as plain knex does, except for the members that are rejected. */
import { EventEmitter, once } from 'node:events'
import { Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import knexModule, { type Knex } from 'knex'
import t from 'tap'
import type { DbSession } from '../src/index.ts'
import { openDatabase, openKnex, rejection, start, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users, posts restart identity cascade'))
await database.other.query(
  'create table kinds (id int, at timestamptz, bytes bytea, doc jsonb, list int[], big bigint)',
)
const knex = openKnex(database.url)
const { app, hit } = await start(
  t,
  database,
  (app) => {
    app.post('/table', async (request, reply) => {
      await request.db.schema.createTable('made', (table) => table.increments())
      await request.db('made').insert({})
      const { status } = request.query as { status: string }
      return reply.code(Number(status)).send({})
    })
    app.post('/together', async (request) => {
      const names = ['a', 'b', 'c', 'd']
      await Promise.all(names.map((email) => request.db('users').insert({ email })))
      return {}
    })
    app.post('/together-one-fails', async (request) => {
      await Promise.all(['a', 'a', 'b'].map((email) => request.db('users').insert({ email })))
      return {}
    })
    app.post('/iterate', async (request) => {
      let n = 0
      for await (const _ of request.db.raw('select g from generate_series(1, 900) g').stream()) n++
      await request.db('users').insert({ email: String(n) })
      return {}
    })
    app.post('/iterate-and-throw', async (request) => {
      await request.db('users').insert({ email: 'before' })
      for await (const _ of request.db.raw('select g from generate_series(1, 100000) g').stream())
        throw new Error('no')
    })
    app.post('/iterate-an-error', async (request) => {
      await request.db('users').insert({ email: 'before' })
      for await (const _ of request.db.raw('select 1 / (5 - g) from generate_series(1, 10) g').stream());
    })
  },
  { knex, max: 5 },
)
const unit = <T>(work: (db: DbSession) => Promise<T>) => app.unitOfWork(work)
/** Expects the same result from a session and from plain knex. */
const same = async (t: import('tap').Test, what: string, ask: (db: Knex) => Promise<unknown>) => {
  const [session, plain] = [await unit(ask), await ask(knex)]
  t.same(session, plain, what)
}

t.test('a session returns the same rows as plain knex', async (t) => {
  await database.other.query(
    "insert into users (email) values ('ada'), ('bob'), (null); insert into posts (owner_id, title) values (1, 'a'), (1, 'b')",
  )
  const asks: Record<string, (db: Knex) => Promise<unknown>> = {
    select: async (db) => db.select('id', 'email as name').from('users').orderBy('id', 'desc'),
    'where in, not and or': async (db) =>
      db('users').whereIn('email', ['ada', 'bob']).andWhereNot('id', 2).orWhereNull('email').orderBy('id'),
    'an empty list': async (db) => db('users').whereIn('id', []),
    first: async (db) => db('users').where({ id: 1 }).first(),
    'first of none': async (db) => db('users').where({ id: 99 }).first('id'),
    pluck: async (db) => db('users').orderBy('id').pluck('email'),
    count: async (db) => db('users').count({ n: 'email' }).max('id'),
    'group and having': async (db) =>
      db('posts').select('owner_id').groupBy('owner_id').havingRaw('count(*) > 1'),
    join: async (db) =>
      db('users')
        .leftJoin('posts', 'users.id', 'posts.owner_id')
        .select('email', 'title')
        .orderBy(['email', 'title']),
    'a subquery': async (db) =>
      db('users')
        .whereExists(db('posts').where('owner_id', db.ref('users.id')))
        .select('id'),
    with: async (db) =>
      db
        .with('u', db('users').where({ id: 1 }))
        .select('email')
        .from('u'),
    union: async (db) => db.union([db('users').select('id'), db('posts').select('id')]).orderBy('id'),
    'raw, by position': async (db) => (await db.raw('select ?::int as n, ? as t', [1, 'x'])).rows,
    'raw, by name': async (db) => (await db.raw('select :n::int as n, :n::int as m', { n: 1 })).rows,
    'raw, an identifier': async (db) =>
      (await db.raw('select ?? from ?? order by ??', ['email', 'users', 'id'])).rows,
    'raw, in a builder': async (db) =>
      db('users')
        .select(db.raw('upper(email) as up'))
        .where(db.raw('id = ?', [1])),
    'raw, a list': async (db) => (await db.raw('select * from users where id = any(?)', [[1, 2]])).rows,
    'raw, no value': async (db) => (await db.raw('select ?::text as nothing', [null as never])).rows,
    'several statements': async (db) =>
      ((await db.raw('select 1 as a; select 2 as b')) as unknown as { rows: [] }[]).map((r) => r.rows),
    ref: async (db) => db('users').select(db.ref('email').as('name')).withSchema('public').where({ id: 1 }),
    'column info': async (db) => db('users').columnInfo('email'),
    'the extended protocol': async (db) =>
      (await db.raw('select 1 as one').options({ queryMode: 'extended' })).rows,
    'rows as lists': async (db) => (await db.raw('select 1, 2').options({ rowMode: 'array' })).rows,
    clone: async (db) => db('users').where({ id: 1 }).clone().select('id'),
    modify: async (db) => db('users').modify((query) => void query.where({ id: 2 })),
    explain: async (db) => (await db.raw('explain select 1')).rows,
  }
  for (const [what, ask] of Object.entries(asks)) await same(t, what, ask)
  await t.rejects(
    unit((db) => db('nowhere')),
    { code: 'DB_SESSION_QUERY_FAILED', sqlState: '42P01' },
  )
})

t.test('a builder that is only compiled takes no connection', async (t) => {
  let acquired = 0
  const listen = () => acquired++
  knex.client.pool.on('acquireRequest', listen)
  await unit(async (db) => {
    const query = db('users').where({ id: 1 })
    const plain = knex('users').where({ id: 1 })
    t.same(query.toSQL().toNative(), plain.toSQL().toNative())
    t.equal(query.toString(), plain.toString())
    t.equal(query.toQuery(), plain.toQuery())
    t.equal(db.raw('select ?', ["o'clock"]).toString(), "select 'o''clock'")
    t.equal(db.schema.dropTable('users').toString(), knex.schema.dropTable('users').toString())
  })
  knex.client.pool.removeListener('acquireRequest', listen)
  t.equal(acquired, 0)
})

t.test('a session writes the same rows as plain knex', async (t) => {
  await unit(async (db) => {
    t.same(await db('users').insert({ email: 'ada' }, ['id', 'email']), [{ id: 1, email: 'ada' }])
    t.same(await db('users').insert({ email: 'ada' }).onConflict('email').ignore().returning('id'), [])
    t.same(await db('users').insert({ email: 'ada' }).onConflict('email').merge().returning('email'), [
      { email: 'ada' },
    ])
    t.same(await db('users').where({ email: 'ada' }).update({ email: 'Ada' }, 'email'), [{ email: 'Ada' }])
    t.equal(await db('counter').increment('n', 2), 1)
    t.equal(
      await db('users')
        .where({ email: 'Ada' })
        .forUpdate()
        .first()
        .then((u) => u?.email),
      'Ada',
    )
    t.equal(
      (
        await db
          .batchInsert('posts', [{ title: 'a' }, { title: 'b' }, { title: 'c' }], 2)
          .returning('id' as never)
      ).length,
      3,
    )
    t.equal(await db('posts').where('title', '>', 'a').delete(), 2)
    const now = await db('users')
      .insert({ email: 'now' })
      .returning(db.fn.now() as never)
    t.type(Object.values(now[0] as object)[0], Date)
    t.same(
      await knex('users')
        .transacting(db as never)
        .where({ email: 'now' })
        .pluck('email'),
      ['now'],
    )
    t.match(db.fn.uuidToBin('00000000-0000-0000-0000-000000000001').length, 16)
  })
  t.same(await database.see('select email from users order by email'), ['Ada', 'now'])
  t.same(await database.see('select title from posts'), ['a'])
  await database.other.query('update counter set n = 0')
  const row = {
    id: 1,
    at: new Date(0),
    bytes: Buffer.from([0, 255]),
    doc: { a: [1, null, 'ü'] },
    list: [1, 2],
    big: '9007199254740993',
  }
  await unit((db) => db('kinds').insert(row))
  t.same(await unit((db) => db('kinds').first()), row, 'values of every kind')
})

t.test('batchInsert rolls back completely if one row fails', async (t) => {
  const rows = ['a', 'b', 'b', 'c'].map((email) => ({ email }))
  t.equal(
    (await rejection(unit((db) => db.batchInsert('users', rows, 2) as never))).code,
    'DB_SESSION_CONSTRAINT',
  )
  await unit(async (db) => {
    await rejection(db.savepoint((inner) => inner.batchInsert('users', rows, 2) as never))
    await db('users').insert({ email: 'after' })
  })
  t.same(await database.see('select email from users'), ['after'])
})

t.test('a schema builder changes tables in the transaction of the session', async (t) => {
  t.equal((await hit('POST', '/table?status=400')).status, 400)
  t.same(await database.see("select to_regclass('made')"), [null])
  t.equal((await hit('POST', '/table?status=201')).status, 201)
  t.same(await database.see('select id from made'), [1])
})

t.test('statements that start at the same time run one after the other', async (t) => {
  t.match(await hit('POST', '/together'), { status: 200, seen: ['a', 'b', 'c', 'd'] })
  await database.other.query('truncate users cascade')
  t.match(await hit('POST', '/together-one-fails'), { status: 409, seen: [] })
  t.equal(used(knex), 0)
})

t.test('statements that start at the same time cause no warning from Node', async (t) => {
  const warnings: string[] = []
  const listen = (warning: Error) => warnings.push(warning.message)
  process.on('warning', listen)
  const numbers = Array.from({ length: 20 }, (_, n) => n)
  const results = await unit((db) => Promise.all(numbers.map((n) => db.raw('select ?::int as n', [n]))))
  t.same(
    results.map((result) => result.rows[0].n),
    numbers,
  )
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', listen)
  t.same(warnings, [])
})

t.test('a row stream reads rows one by one, in a transaction', async (t) => {
  t.match(await hit('POST', '/iterate'), { status: 200, seen: ['900'] })
  await database.other.query('truncate users cascade')
  t.match(await hit('POST', '/iterate-and-throw'), { status: 500, seen: [] })
  t.match(await hit('POST', '/iterate-an-error'), { status: 500, seen: [] })
  t.equal(used(knex), 0)
  await unit(async (db) => {
    const rows: unknown[] = []
    const read = new Writable({
      objectMode: true,
      write(row, _encoding, done) {
        rows.push(row)
        done()
      },
    })
    await pipeline(db.raw('select g from generate_series(1, 3) g').stream(), read)
    t.same(rows, [{ g: 1 }, { g: 2 }, { g: 3 }])
    await db('users').stream((stream) => stream.on('data', () => t.fail('there are none')))
    const stream = db.raw('select g from generate_series(1, 3) g').stream().resume()
    await once(stream, 'end')
    t.same(await db('users'), [], 'a statement can follow')
  })
  const rows = (db: DbSession) => db.raw('select g from generate_series(1, 3) g')
  await t.resolves(
    unit(async (db) => once(rows(db).stream().resume(), 'end')),
    'so can the end',
  )
  await t.resolves(unit(async (db) => rows(db).stream((stream) => void stream.resume()) as Promise<unknown>))
})

t.test('a session has every member of knex', async (t) => {
  const missing = await unit(async (db) => Object.getOwnPropertyNames(knex).filter((name) => !(name in db)))
  const isEvent = (name: string) => name in EventEmitter.prototype
  t.same(missing.filter((name) => !name.startsWith('_') && !isEvent(name)).sort(), [
    // names that knex lists although its builders lack them
    'andWhereJsonNotSubsetOf',
    'andWhereJsonNotSupersetOf',
    'andWhereJsonSubsetOf',
    'andWhereJsonSupersetOf',
    'context',
    'disableProcessing',
    'enableProcessing',
    'prototype',
  ])
})

t.test('a session emits the events of its knex', async (t) => {
  const emitted: string[] = []
  const listen = ({ sql }: { sql: string }) => void emitted.push(sql)
  knex.on('query', listen)
  await unit((db) => db('users').where('id', 1))
  knex.removeListener('query', listen)
  t.same(emitted, ['select * from "users" where "id" = $1'])
})

t.test('timeout() of knex rejects and cancels the statement', async (t) => {
  const slow = (db: DbSession) => db.raw('select pg_sleep(60)').timeout(20, { cancel: true })
  t.equal((await rejection(unit((db) => slow(db) as never))).name, 'KnexTimeoutError')
  await unit((db) => db.raw('select 1'))
})

t.test('members of knex that would bypass the session are rejected', async (t) => {
  await unit(async (db) => {
    for (const use of [
      () => db.destroy(),
      () => db.initialize(),
      () => db.withUserParams({}),
      () => db.transactionProvider(),
      () => (db as unknown as Knex.Transaction).rollback(),
      () => db.migrate,
      () => db.on('query', () => {}),
      () => db.seed,
    ])
      t.throws(use, { code: 'DB_SESSION_NOT_ON_A_SESSION' })
    t.throws(() => db.transaction({ isolationLevel: 'serializable' }), TypeError)
    for (const use of [
      () => db.transaction(async () => {}, { isolationLevel: 'serializable' }),
      () => db.transaction(() => {}),
      () => db.transaction((trx) => trx.commit() as never),
      () => db.savepoint((inner) => inner.commit()),
    ])
      t.equal((await rejection(use())).code, 'DB_SESSION_NOT_ON_A_SESSION')
    t.equal((db as unknown as Knex.Transaction).isCompleted(), false)
    t.same(db.userParams, {})
    t.equal((await db.raw('select 1 as one')).rows[0].one, 1)
  })
})

t.test('a session has the settings of its knex', async (t) => {
  const mapped = knexModule({
    client: 'pg',
    connection: database.url,
    pool: { min: 0, max: 1 },
    wrapIdentifier: (value, wrap) => wrap(value === 'mail' ? 'email' : value),
    postProcessResponse: (result) =>
      Array.isArray(result) ? result.map((row) => ({ ...row, seen: true })) : result,
  })
  const { app } = await start(t, database, () => {}, { knex: mapped })
  t.same(
    await app.unitOfWork(async (db) => {
      await db('users').insert({ mail: 'x' })
      return db('users').select('mail')
    }),
    [{ email: 'x', seen: true }],
  )
})
