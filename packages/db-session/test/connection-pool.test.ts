import knexModule, { type Knex } from 'knex'
import pg from 'pg'
import t from 'tap'
import { openDatabase, openKnex, rejection, start, until, used } from './setup.ts'

const database = await openDatabase(t)

t.test('a full pool', async (t) => {
  const { hit, knex, app } = await start(
    t,
    database,
    (app) => {
      app.get('/', async (request) => (await request.db.raw('select 1 as one')).rows)
    },
    { acquireTimeoutMs: 1_000 },
  )
  t.test('answers 503 with Retry-After in the time that was given', async (t) => {
    const held = await Promise.all(Array.from({ length: 5 }, () => knex.client.acquireConnection()))
    const started = performance.now()
    const answer = await hit('GET', '/')
    const took = performance.now() - started
    t.equal(answer.status, 503)
    t.equal(answer.json.code, 'DB_SESSION_POOL_EXHAUSTED')
    t.equal(answer.headers.get('retry-after'), '1')
    t.ok(took >= 990 && took < 5_000, `${took.toFixed()} ms`)
    for (const connection of held) knex.client.releaseConnection(connection)
    await until(() => used(knex) === 0)
    t.equal((await hit('GET', '/')).status, 200)
  })
  t.test('keeps requests waiting for its turn, and lets go of those that wait too long', async (t) => {
    const releases: (() => void)[] = []
    const units = Array.from({ length: 5 }, () =>
      app.unitOfWork(async (db) => {
        await db.raw('select 1')
        await new Promise<void>((resolve) => releases.push(resolve))
      }),
    )
    await until(() => releases.length === 5)
    const answers = Promise.all(Array.from({ length: 8 }, () => hit('GET', '/')))
    t.same([...new Set((await answers).map((answer) => answer.status))], [503])
    for (const release of releases) release()
    await Promise.all(units)
    t.equal((await hit('GET', '/')).status, 200)
    t.equal(used(knex), 0)
  })
})

t.test('50 requests that each need a second connection are all served', async (t) => {
  const { hit, knex } = await start(
    t,
    database,
    (app) => {
      app.get('/two', async (request) => {
        await request.db.raw('select 1')
        await app.unitOfWork(async (db) => db.raw('select 1'))
        return {}
      })
      app.get('/plain', async (request) => {
        await request.db.raw('select 1')
        await plain('select 1')
        return {}
      })
    },
    // a deadlock would show, a slow machine would not
    { acquireTimeoutMs: 60_000 },
  )
  const plain = (sql: string) => knex.raw(sql)
  for (const path of ['/two', '/plain']) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => hit('GET', path)))
    t.same([...new Set(answers.map((answer) => answer.status))], [200])
  }
  t.equal(used(knex), 0)
})

t.test("the pool's own limit, where it is the shorter one, is told the same", async (t) => {
  const knex = openKnex(database.url, 1, { acquireConnectionTimeout: 1_000 })
  const { app } = await start(t, database, () => {}, { knex, acquireTimeoutMs: 60_000 })
  const held = await knex.client.acquireConnection()
  const error = await rejection(app.unitOfWork((db) => db.raw('select 1')))
  t.equal(error.code, 'DB_SESSION_POOL_EXHAUSTED')
  knex.client.releaseConnection(held)
  await t.resolves(app.unitOfWork((db) => db.raw('select 1')))
})

t.test('a server that cannot be reached is a 503 with Retry-After', async (t) => {
  const { hit } = await start(
    t,
    database,
    (app) => {
      app.get('/', async (request) => request.db.raw('select 1'))
    },
    { knex: openKnex('postgres://nobody@127.0.0.1:1/none', 1) },
  )
  const answer = await hit('GET', '/')
  t.equal(answer.status, 503)
  t.equal(answer.json.code, 'DB_SESSION_UNAVAILABLE')
  t.equal(answer.headers.get('retry-after'), '1')
})

t.test('a session that waits is given the connection of the one before it', async (t) => {
  const knex = openKnex(database.url, 1)
  const { app } = await start(t, database, () => {}, { knex })
  let taken = 0
  knex.client.pool.on('acquireSuccess', () => {
    taken += 1
  })
  const pid = async (db: { raw(sql: string): PromiseLike<{ rows: { pid: number }[] }> }) =>
    (await db.raw('select pg_backend_pid() as pid')).rows[0]?.pid

  t.test('past the pool', async (t) => {
    taken = 0
    const pids = await Promise.all(Array.from({ length: 20 }, () => app.unitOfWork(pid)))
    t.equal(new Set(pids).size, 1)
    t.equal(taken, 1)
    t.equal(used(knex), 0, 'the last gave it back')
    await app.unitOfWork(pid)
    t.equal(taken, 2, 'where none waits, it goes through the pool')
  })

  t.test('but not before others who wait for the pool', async (t) => {
    const order: string[] = []
    const note = (name: string) => () => void order.push(name)
    const first = app.unitOfWork(async (db) => {
      await pid(db)
      const later = app.unitOfWork(pid).then(note('session'))
      const other = pid(knex).then(note('knex'))
      return { later, other }
    })
    const { later, other } = await first
    await Promise.all([later, other])
    t.same(order, ['knex', 'session'])
  })

  t.test('but not when the pool has not checked it for a second', async (t) => {
    taken = 0
    const [, second] = await Promise.all([
      app.unitOfWork((db) => db.raw('select pg_sleep(1.05)')),
      app.unitOfWork(pid),
    ])
    t.type(second, 'number')
    t.equal(taken, 2)
  })

  t.test('but not when it is lost', async (t) => {
    const [lost, second] = await Promise.allSettled([
      app.unitOfWork((db) => db.raw('select pg_terminate_backend(pg_backend_pid())')),
      app.unitOfWork(pid),
    ])
    t.equal(lost.status, 'rejected')
    t.equal(second.status, 'fulfilled')
  })
})

t.test("a pool of pg's own, which does not tell who waits for it, is never passed by", async (t) => {
  const pool = new pg.Pool({ connectionString: database.url, max: 10 })
  const knex = knexModule({ client: 'pg', connectionPool: pool } as Knex.Config)
  const { app } = await start(t, database, () => {}, { knex, closePools: false })
  let taken = 0
  pool.on('acquire', () => {
    taken += 1
  })
  await Promise.all(Array.from({ length: 30 }, () => app.unitOfWork((db) => db.raw('select 1'))))
  t.equal(taken, 30)
  t.equal(pool.idleCount, pool.totalCount, 'each is given back')
  t.teardown(() => pool.end())
})
