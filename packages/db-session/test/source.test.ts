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
