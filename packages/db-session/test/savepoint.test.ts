/** Savepoints that succeed, and the statements that a session accepts while one is open. See also `savepoint-rollback.test.ts`. */
import t from 'tap'
import type { DbSession } from '../src/index.ts'
import { openDatabase, rejection, start, until, used } from './setup.ts'

const database = await openDatabase(t)
const { app, knex } = await start(t, database, () => {})
t.beforeEach(() => database.other.query('truncate users restart identity cascade'))
const committed = () => database.see('select email from users order by id')
const add = (db: DbSession, email: string) => db('users').insert({ email })

t.test('a savepoint that succeeds keeps its rows and resolves with the result of its callback', async (t) => {
  const result = await app.unitOfWork((db) =>
    db.savepoint(async (outer) => {
      await add(outer, 'a')
      return outer.savepoint(async (inner) => {
        await add(inner, 'b')
        return 'result'
      })
    }),
  )
  t.equal(result, 'result')
  t.same(await committed(), ['a', 'b'])
})

t.test('an error of Postgres in a savepoint can be caught, and the session goes on', async (t) => {
  await app.unitOfWork(async (db) => {
    await add(db, 'x')
    t.equal((await rejection(db.savepoint((inner) => add(inner, 'x')))).code, '23505')
    await add(db, 'y')
  })
  t.same(await committed(), ['x', 'y'])
})

t.test('a savepoint in which an error was swallowed rejects', async (t) => {
  await app.unitOfWork(async (db) => {
    const error = await rejection(db.savepoint((inner) => inner.raw('select 1/0').catch(() => {})))
    t.equal(error.code, 'DB_SESSION_TRANSACTION_FAILED')
    await add(db, 'y')
  })
  t.same(await committed(), ['y'])
})

t.test('a session rejects statements and savepoints while a savepoint is open', async (t) => {
  await app.unitOfWork(async (db) => {
    await db.savepoint(async (inner) => {
      t.equal((await rejection(add(db, 'outer'))).code, 'DB_SESSION_SAVEPOINT_OPEN')
      t.equal((await rejection(db.savepoint(async () => {}))).code, 'DB_SESSION_SAVEPOINT_OPEN')
      await add(inner, 'inner')
      t.equal(inner.isTransaction, true)
    })
    await add(db, 'after')
  })
  t.same(await committed(), ['inner', 'after'])
})

t.test('a savepoint whose connection is lost rejects with DB_SESSION_CONNECTION_LOST', async (t) => {
  const work = (db: DbSession) =>
    db.savepoint((inner) => inner.raw('select pg_terminate_backend(pg_backend_pid())'))
  t.match(await rejection(app.unitOfWork(work)), {
    code: 'DB_SESSION_CONNECTION_LOST',
    cause: { code: '57P01' },
  })
  await until(() => used(knex) === 0)
})

t.test('transaction() of a session opens a savepoint, as knex’s own nested transactions do', async (t) => {
  await app.unitOfWork(async (db) => {
    const work = async (trx: DbSession) => trx('users').insert({ email: 'kept' })
    await db.transaction(work as never)
    await rejection(db.transaction(async () => Promise.reject(new Error('no'))))
    t.same(
      db.timeline.map(({ kind }) => kind),
      ['begin', 'savepoint', 'query', 'savepoint', 'savepoint', 'savepoint'],
    )
  })
  t.same(await committed(), ['kept'])
})
