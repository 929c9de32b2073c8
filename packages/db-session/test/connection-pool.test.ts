/** The pool of connections: in order of arrival, within a deadline, with one connection left to units of work. */
import knexModule, { type Knex } from 'knex'
import pg from 'pg'
import t from 'tap'
import { ConnectionPool, type Lease } from '../src/connection-pool.ts'
import type { DbSessionError } from '../src/errors.ts'
import { getConnections } from '../src/knex-adapter.ts'
import { closeSocket, isLost } from '../src/pg-wire.ts'
import { openDatabase, openKnex, rejection, start, until, used } from './setup.ts'

const database = await openDatabase(t)
const open = (max: number, timeoutMs = 60_000) => {
  const knex = openKnex(database.url, max)
  t.teardown(() => knex.destroy())
  const pool = new ConnectionPool(getConnections(knex), timeoutMs)
  return { knex, pool }
}
const take = (pool: ConnectionPool) => pool.acquire(true).lease

t.test('a connection is released exactly once: a second release is an error', async (t) => {
  const { knex, pool } = open(1)
  const lease = await take(pool)
  lease.release()
  t.throws(() => lease.release(), { message: /returned twice/ })
  await t.rejects(lease.discard(), { message: /returned twice/ })
  t.equal(used(knex), 0)
  const next = await take(pool)
  t.ok(next.connection === lease.connection, 'the rejected discard() leaves the connection open')
  next.release()
})

t.test('a connection is discarded exactly once, and its slot is free afterwards', async (t) => {
  const { knex, pool } = open(1)
  const lease = await take(pool)
  await lease.discard()
  t.throws(() => lease.release(), { message: /returned twice/ })
  await t.rejects(lease.discard(), { message: /returned twice/ })
  const next = await take(pool)
  t.ok(next.connection !== lease.connection)
  t.equal(isLost(next.connection), false)
  next.release()
  t.equal(used(knex), 0)
})

t.test('a connection whose socket is gone can be discarded, and its slot is free afterwards', async (t) => {
  const { pool } = open(1)
  const lease = await take(pool)
  closeSocket(lease.connection)
  await until(() => isLost(lease.connection))
  await lease.discard()
  const next = await take(pool)
  t.ok(next.connection !== lease.connection)
  next.release()
})

t.test('connections are lent in order of arrival, and requests leave one to units of work', async (t) => {
  const { pool } = open(3)
  const order: string[] = []
  const leases = new Map<string, Lease>()
  const enter = (name: string, isUnit: boolean) =>
    pool.acquire(isUnit).lease.then((lease) => {
      order.push(name)
      leases.set(name, lease)
    })
  for (const name of ['first', 'second', 'third']) enter(name, false)
  enter('unit', true)
  enter('second unit', true)
  await until(() => order.length === 3)
  t.same(order.toSorted(), ['first', 'second', 'unit'], 'of three connections requests take two')
  leases.get('unit')?.release()
  await until(() => order.length === 4)
  t.equal(order[3], 'second unit')
  leases.get('first')?.release()
  await until(() => order.length === 5)
  t.equal(order[4], 'third')
  for (const name of ['second', 'second unit', 'third']) leases.get(name)?.release()
})

t.test('a pool of one connection cannot lend a second one to a unit of work inside a session', (t) => {
  t.equal(open(1).pool.canNest, false)
  t.equal(open(2).pool.canNest, true)
  t.end()
})

t.test('a session that stops waiting gets no connection, and the next one does', async (t) => {
  const { knex, pool } = open(1)
  const held = await take(pool)
  const stopped = pool.acquire(true)
  const next = take(pool)
  t.equal(stopped.stop(), true)
  t.equal(stopped.stop(), false, 'a second call')
  held.release()
  const lease = await next
  lease.release()
  const stoppedWhileOpening = pool.acquire(true)
  t.equal(stoppedWhileOpening.stop(), true)
  for (const { lease } of [stopped, stoppedWhileOpening]) lease.then(() => t.fail('it has stopped waiting'))
  await until(() => used(knex) === 0)
})

t.test('a session that waits longer than its timeout gets an error, in order of arrival', async (t) => {
  const knex = openKnex(database.url, 1)
  t.teardown(() => knex.destroy())
  const held = await knex.client.acquireConnection()
  const pool = new ConnectionPool(getConnections(knex), 20)
  const errors: string[] = []
  const wait = (name: string) =>
    take(pool).catch((error: DbSessionError) => void errors.push(`${name} ${error.code}`))
  await Promise.all([wait('first'), wait('second')])
  t.same(errors, ['first DB_SESSION_POOL_EXHAUSTED', 'second DB_SESSION_POOL_EXHAUSTED'])
  knex.client.releaseConnection(held)
  await until(() => used(knex) === 0)
})

t.test('a savepoint that gets no connection waits for one only once', async (t) => {
  const knex = openKnex(database.url, 1)
  const { app } = await start(t, database, () => {}, { knex, acquireTimeoutMs: 20 })
  const held = await knex.client.acquireConnection()
  const waits: unknown[] = []
  const work = app.unitOfWork(async (db) => {
    await db.savepoint((savepoint) => savepoint.raw('select 1') as never).catch(() => {})
    waits.push(...db.timeline.map(({ error }) => error))
  })
  t.equal((await rejection(work)).code, 'DB_SESSION_POOL_EXHAUSTED')
  t.same(waits, ['DB_SESSION_POOL_EXHAUSTED'])
  knex.client.releaseConnection(held)
  t.equal(await app.unitOfWork((db) => db.savepoint(async () => 'done')), 'done')
})

t.test("the pool's own timeout is reported as an exhausted pool too", async (t) => {
  const knex = openKnex(database.url, 1, { acquireConnectionTimeout: 1_000 })
  const { app } = await start(t, database, () => {}, { knex, acquireTimeoutMs: 60_000 })
  const held = await knex.client.acquireConnection()
  t.equal((await rejection(app.unitOfWork((db) => db.raw('select 1')))).code, 'DB_SESSION_POOL_EXHAUSTED')
  knex.client.releaseConnection(held)
  await t.resolves(app.unitOfWork((db) => db.raw('select 1')))
})

t.test("a pool of pg's own gets every connection back", async (t) => {
  const pool = new pg.Pool({ connectionString: database.url, max: 3 })
  t.teardown(() => pool.end())
  const knex = knexModule({ client: 'pg', connectionPool: pool } as Knex.Config)
  const { app } = await start(t, database, () => {}, { knex, closePools: false })
  await Promise.all(Array.from({ length: 10 }, () => app.unitOfWork((db) => db.raw('select 1'))))
  t.equal(pool.idleCount, pool.totalCount)
})

t.test('a second connection', async (t) => {
  const { app, hit, knex } = await start(
    t,
    database,
    (app) => {
      app.get('/nested', async (request) => {
        await request.db.raw('select 1')
        const inner = await request.db.unitOfWork(async (db) => (await db.raw('select 2 as n')).rows)
        return { ...inner[0], ...(await request.db.raw('select 1 as one')).rows[0] }
      })
      app.get('/unit', async (request) => {
        await request.db.raw('select 1')
        return (await app.unitOfWork((db) => db.raw('select 2 as n'))).rows[0]
      })
      app.get('/plain', async (request) => {
        await request.db.raw('select 1')
        return (await knex.raw('select 2 as n')).rows[0]
      })
      app.get('/too-deep', async (request) => {
        await request.db.raw('select 1')
        return request.db.unitOfWork(async (db) => {
          await db.raw('select 2')
          return db.unitOfWork((inner) => inner.raw('select 3'))
        })
      })
      app.post('/kept', async (request, reply) => {
        await request.db('users').insert({ email: 'outer' })
        await request.db.savepoint((db) => db.unitOfWork((unit) => unit('users').insert({ email: 'unit' })))
        return reply.code(401).send({})
      })
    },
    // a deadlock shows anyway, and a slow machine does not fail
    { acquireTimeoutMs: 60_000 },
  )
  for (const path of ['/nested', '/unit', '/plain']) {
    t.test(`20 requests that each need a second connection all get it: ${path}`, async (t) => {
      const responses = await Promise.all(Array.from({ length: 20 }, () => hit('GET', path)))
      for (const { status, json } of responses) t.match([status, json], [200, { n: 2 }])
      t.equal(used(knex), 0)
    })
  }
  t.test('a unit of work inside a nested unit of work is rejected', async (t) => {
    t.match(await hit('GET', '/too-deep'), { status: 500, json: { code: 'DB_SESSION_NESTED' } })
    const nested = app.unitOfWork(async (db) => {
      await db.raw('select 1')
      return db.unitOfWork((inner) => inner.raw('select 2'))
    })
    t.equal((await rejection(nested)).code, 'DB_SESSION_NESTED')
    t.equal(used(knex), 0)
  })
  t.test(
    'a session that holds no connection can run a unit of work even if the pool has only one connection',
    async (t) => {
      const small = await start(t, database, () => {}, { max: 1, acquireTimeoutMs: 60_000 })
      const nested = (isOuterUsed: boolean) =>
        small.app.unitOfWork(async (db) => {
          if (isOuterUsed) await db.raw('select 1')
          return db.unitOfWork(async (inner) => (await inner.raw('select 1 as one')).rows[0].one)
        })
      t.equal((await rejection(nested(true))).code, 'DB_SESSION_NESTED')
      t.equal(await nested(false), 1)
    },
  )
  t.test('a unit of work inside a session stays committed when the session rolls back', async (t) => {
    t.match(await hit('POST', '/kept'), { status: 401, seen: ['unit'] })
  })
})
