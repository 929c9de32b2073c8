import t from 'tap'
import { createUnitOfWork, withRollback } from '../src/index.ts'
import { openDatabase, openKnex, rejection, start } from './setup.ts'

const database = await openDatabase(t)
const knex = openKnex(database.url)
const { app } = await start(
  t,
  database,
  (app) => {
    app.post<{ Querystring: { parent?: number; email: string } }>('/users', async (request, reply) => {
      const { email, parent = null } = request.query
      await request.db('users').insert({ email, parent })
      return reply.code(201).send({})
    })
    app.post('/fails', async (request) => {
      await request.db('users').insert({ email: 'fails' })
      throw new Error('no')
    })
    app.post('/read', { config: { db: { mode: 'read' } } }, async (request) =>
      request.db.from('users').insert({ email: 'no' }),
    )
    app.get('/users', { config: { db: { mode: 'read' } } }, async (request) =>
      request.db('users').pluck('email'),
    )
  },
  { knex },
)
const post = async (url: string) => (await app.inject({ method: 'POST', url })).statusCode

t.test('changes inside withRollback() are visible inside it, and rolled back at its end', async (t) => {
  const result = await withRollback(app, async () => {
    t.equal(await post('/users?email=ada'), 201)
    t.equal(await post('/users?email=ada'), 409, 'an error rolls back only its own session')
    t.equal(await post('/users?email=child&parent=99'), 409, 'deferred constraints are checked')
    t.equal(await post('/fails'), 500)
    t.equal(await post('/read'), 500, 'mode read stays read')
    await app.unitOfWork((db) => db('users').insert({ email: 'unit' }))
    t.same((await app.inject('/users')).json(), ['ada', 'unit'])

    await knex('users').insert({ email: 'plain' })
    await rejection(knex('users').insert({ email: 'plain' }) as never)
    await knex.transaction((trx) => trx('users').insert({ email: 'trx' }))
    await rejection(
      knex.transaction(async (trx) => {
        await trx('users').insert({ email: 'rolled back' })
        throw new Error('no')
      }),
    )
    t.same(await knex('users').pluck('email'), ['ada', 'unit', 'plain', 'trx'])
    t.same(await database.see('select email from users'), [])
    return 'result'
  })
  t.equal(result, 'result')
  t.same(await database.see('select email from users'), [])
})

t.test('withRollback() streams the rows of plain knex', async (t) => {
  const count = async (sql: string) => {
    let rows = 0
    for await (const _ of knex.raw(sql).stream()) rows++
    return rows
  }
  await withRollback(app, async () => {
    t.equal(await count('select generate_series(1, 300)'), 300)
    t.equal(await post('/users?email=later'), 201)
  })
  await withRollback(app, async () => {
    t.equal((await rejection(count('select 1/0'))).code, '22012')
  })
  t.same(await database.see('select email from users'), [])
})
t.test('changes after withRollback() are committed', async (t) => {
  await rejection(
    withRollback(app, async () => {
      await post('/users?email=x')
      throw new Error('no')
    }),
  )
  t.equal(await post('/users?email=kept'), 201)
  t.same(await database.see('select email from users'), ['kept'])
  t.same(await knex('users').pluck('email'), ['kept'])
})

t.test('withRollback() in a beforeEach hook rolls back each test', async (t) => {
  await database.other.query('truncate users cascade')
  let rollBack = async () => {}
  t.beforeEach(async () => {
    rollBack = await withRollback(app)
  })
  t.afterEach(() => rollBack())
  for (const name of ['first', 'second']) {
    t.test(`the ${name} of two tests sees only its own changes`, async (t) => {
      t.equal(await post('/users?email=ada'), 201)
      t.equal(await post('/users?email=ada'), 409)
      t.same((await app.inject('/users')).json(), ['ada'])
      t.same(await database.see('select email from users'), [])
    })
  }
})

t.test('a second call of rollBack() does nothing', async (t) => {
  await database.other.query('truncate users cascade')
  const rollBack = await withRollback(app)
  t.equal(await post('/users?email=x'), 201)
  await rollBack()
  await rollBack()
  t.equal(await post('/users?email=kept'), 201)
  t.same(await database.see('select email from users'), ['kept'])
})

t.test('a second withRollback() at the same time is rejected, and the first one goes on', async (t) => {
  await database.other.query('truncate users cascade')
  await withRollback(app, async () => {
    t.equal(await post('/users?email=first'), 201)
    t.match(await rejection(withRollback(app, async () => post('/users?email=second'))), {
      code: 'DB_SESSION_ROLLBACK_OPEN',
    })
    t.match(await rejection(withRollback(app)), { code: 'DB_SESSION_ROLLBACK_OPEN' })
    t.same((await app.inject('/users')).json(), ['first'])
  })
  t.same(await database.see('select email from users'), [])
  const [first, second] = await Promise.allSettled([withRollback(app), withRollback(app)])
  t.equal(first?.status, 'fulfilled')
  t.match(second, { status: 'rejected', reason: { code: 'DB_SESSION_ROLLBACK_OPEN' } })
  if (first?.status === 'fulfilled') await first.value()
  t.equal(await withRollback(app, async () => 'again'), 'again', 'possible again afterwards')
})

t.test('a withRollback() that could not begin does not block the next one', async (t) => {
  const nowhere = openKnex('postgres://nobody@127.0.0.1:1/none')
  const unit = createUnitOfWork({ knex: nowhere, closePools: true })
  t.teardown(() => unit.close())
  for (let i = 0; i < 2; i++) {
    t.not((await rejection(withRollback(unit, async () => {}))).code, 'DB_SESSION_ROLLBACK_OPEN')
    t.not((await rejection(withRollback(unit))).code, 'DB_SESSION_ROLLBACK_OPEN')
  }
})

t.test('withRollback() rolls back units of work without Fastify too', async (t) => {
  await database.other.query('truncate users cascade')
  const unit = createUnitOfWork({ knex: openKnex(database.url), closePools: true })
  t.teardown(() => unit.close())
  const result = await withRollback(unit, async () => {
    await unit(async (db) => {
      await db('users').insert({ email: 'unit' })
      await db.commit()
      await db.unitOfWork((inner) => inner('users').insert({ email: 'inner' }))
    })
    return unit((db) => db('users').pluck('email'), { mode: 'read' })
  })
  t.same([...result].sort(), ['inner', 'unit'])
  const rollBack = await withRollback(unit)
  await unit((db) => db('users').insert({ email: 'unit' }))
  await rollBack()
  t.same(await database.see('select email from users'), [])
})
