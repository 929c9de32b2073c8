import t from 'tap'
import type { DbSession } from '../src/index.ts'
import { openDatabase, rejection, start, until, used } from './setup.ts'

const database = await openDatabase(t)
const { app, knex } = await start(t, database, () => {})
t.beforeEach(() => database.other.query('truncate users restart identity cascade'))
const stored = () => database.see('select email from users order by id')
const add = (db: DbSession, email: string) => db('users').insert({ email })

t.test('undoes what it did, and no more, if it throws', async (t) => {
  await app.unitOfWork(async (db) => {
    await add(db, 'before')
    const error = await rejection(
      db.savepoint(async (inner) => {
        await add(inner, 'inside')
        throw new Error('no')
      }),
    )
    t.equal(error.message, 'no')
    await add(db, 'after')
  })
  t.same(await stored(), ['before', 'after'])
})

t.test('keeps what it did if it does not, and hands on its result', async (t) => {
  const result = await app.unitOfWork((db) =>
    db.savepoint(async (a) => {
      await add(a, 'a')
      return a.savepoint(async (b) => {
        await add(b, 'b')
        return 'result'
      })
    }),
  )
  t.equal(result, 'result')
  t.same(await stored(), ['a', 'b'])
})

t.test('lets an error of Postgres be caught', async (t) => {
  await app.unitOfWork(async (db) => {
    await add(db, 'x')
    t.equal((await rejection(db.savepoint((inner) => add(inner, 'x')))).code, '23505')
    await add(db, 'y')
  })
  t.same(await stored(), ['x', 'y'])
})

t.test('does not succeed over an error that was swallowed in it', async (t) => {
  await app.unitOfWork(async (db) => {
    const error = await rejection(db.savepoint((inner) => inner.raw('select 1/0').catch(() => {})))
    t.equal(error.code, 'DB_SESSION_TRANSACTION_FAILED')
    await add(db, 'y')
  })
  t.same(await stored(), ['y'])
})

t.test('rollbackOnly undoes it alone', async (t) => {
  await app.unitOfWork(async (db) => {
    await add(db, 'x')
    await db.savepoint(async (inner) => {
      await add(inner, 'y')
      inner.rollbackOnly()
    })
  })
  t.same(await stored(), ['x'])
})

t.test('its work after the commit runs only if it is kept', async (t) => {
  const ran: string[] = []
  await app.unitOfWork(async (db) => {
    await db.savepoint(async (inner) => inner.afterCommit(() => ran.push('kept')))
    await rejection(
      db.savepoint(async (inner) => {
        inner.afterCommit(() => ran.push('undone'))
        throw new Error('no')
      }),
    )
  })
  await until(() => ran.length > 0)
  t.same(ran, ['kept'])
})

t.test('is not mixed with its session', async (t) => {
  await app.unitOfWork(async (db) => {
    await db.savepoint(async (inner) => {
      t.equal((await rejection(add(db, 'outer') as never)).code, 'DB_SESSION_SAVEPOINT_OPEN')
      t.equal((await rejection(db.savepoint(async () => {}))).code, 'DB_SESSION_SAVEPOINT_OPEN')
      await add(inner, 'inner')
      t.equal(inner.isTransaction, true)
    })
    let kept: DbSession | undefined
    await db.savepoint(async (inner) => {
      kept = inner
    })
    t.equal((await rejection(add(kept as DbSession, 'late') as never)).code, 'DB_SESSION_OVER')
    const statement = add(db, 'first')
    const running = statement.then(() => {})
    await new Promise((resolve) => process.nextTick(resolve))
    t.equal((await rejection(db.savepoint(async () => {}))).code, 'DB_SESSION_NOT_AWAITED')
    await running
  })
  t.same(await stored(), ['inner', 'first'])
})

t.test('whose own statement was not awaited is undone', async (t) => {
  const error = await rejection(
    app.unitOfWork(async (db) => {
      await add(db, 'x')
      await db.savepoint(async (inner) => {
        inner.raw('select pg_sleep(60)').catch(() => {})
        await new Promise((resolve) => setImmediate(resolve))
      })
    }),
  )
  t.equal(error.code, 'DB_SESSION_NOT_AWAITED')
  t.same(await stored(), [])
  t.equal(used(knex), 0)
})

t.test('whose connection dies rejects with why', async (t) => {
  const error = await rejection(
    app.unitOfWork((db) =>
      db.savepoint((inner) => inner.raw('select pg_terminate_backend(pg_backend_pid())')),
    ),
  )
  t.equal(error.code, '57P01')
  await until(() => used(knex) === 0)
})
