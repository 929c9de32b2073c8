import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { openDatabase, start, until, used } from './setup.ts'

const database = await openDatabase(t)
const sleepers = `select count(*)::int from pg_stat_activity where datname = current_database() and query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()`
const rows = async () => (await database.see('select count(*)::int from users'))[0]

t.test('a client that goes away', async (t) => {
  const after: string[] = []
  let gone = performance.now()
  const { base, knex, hit } = await start(t, database, (app) => {
    app.post('/slow', async (request) => {
      await request.db('users').insert({ email: null })
      const [asleep] = await Promise.allSettled([request.db.raw('select pg_sleep(60)'), request.db('users')])
      after.push((asleep as PromiseRejectedResult).reason.code)
      await request.db('users').catch((error) => after.push(error.code))
      return { fine: true }
    })
    app.post('/first', async (request) => {
      await request.db.raw('select pg_sleep(60)')
    })
    app.get('/ok', async (request) => request.db.raw('select 1'))
  })
  const abort = async (path: string, ready: () => Promise<unknown>) => {
    const controller = new AbortController()
    const answer = fetch(base + path, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
      signal: controller.signal,
    })
    await until(ready)
    gone = performance.now()
    controller.abort()
    await answer.catch(() => {})
  }
  t.test('frees its slot within 100 ms and leaves no row', async (t) => {
    await abort('/slow', async () => (await database.see(sleepers))[0] === 1)
    await until(() => used(knex) === 0)
    const took = performance.now() - gone
    t.ok(took < 100, `${took.toFixed()} ms`)
    t.equal(await rows(), 0)
    t.same((await database.see(sleepers))[0], 0)
  })
  t.test('has the later statements of its handler refused', async (t) => {
    await until(() => after.length === 2)
    t.same(after, ['DB_SESSION_ABORTED', 'DB_SESSION_ABORTED'])
  })
  t.test('in its first statement, BEGIN included', async (t) => {
    await abort('/first', async () => (await database.see(sleepers))[0] === 1)
    await until(() => used(knex) === 0)
    t.equal((await hit('GET', '/ok')).status, 200)
  })
  t.test('while it waits for a connection', async (t) => {
    const held = await Promise.all(Array.from({ length: 5 }, () => knex.client.acquireConnection()))
    let asked = 0
    knex.client.pool.on('acquireRequest', () => asked++)
    await abort('/slow', async () => asked > 0)
    for (const connection of held) knex.client.releaseConnection(connection)
    await until(() => used(knex) === 0 && after.length === 4)
    t.equal(await rows(), 0)
  })
})

t.test('1,000 POSTs aborted during pg_sleep leave a full pool and no row', async (t) => {
  const { base, knex, hit } = await start(t, database, (app) => {
    app.post('/slow', async (request) => {
      await request.db('users').insert({ email: null })
      await request.db.raw('select pg_sleep(60)')
    })
    app.post('/ok', async (request) => {
      await request.db.raw('select 1')
      return {}
    })
  })
  let aborted = 0
  const one = async () => {
    const controller = new AbortController()
    const answer = fetch(`${base}/slow`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
      signal: controller.signal,
    })
    // at random: in the queue, in the pool, in BEGIN, in the insert, in the sleep
    await sleep(Math.random() * 20)
    controller.abort()
    await answer.catch(() => aborted++)
  }
  for (let round = 0; round < 100; round++) await Promise.all(Array.from({ length: 10 }, one))
  t.equal(aborted, 1_000)
  await until(() => used(knex) === 0 && knex.client.pool.numPendingAcquires() === 0)
  t.equal(await rows(), 0)
  const answers = await Promise.all(Array.from({ length: 20 }, () => hit('POST', '/ok')))
  t.ok(answers.every((answer) => answer.status === 200))
})

t.test('a request that times out', async (t) => {
  const { hit, knex, app } = await start(t, database, (app) => {
    app.post('/handler-timeout', { handlerTimeout: 60 }, async (request) => {
      await request.db('users').insert({ email: 'too late' })
      await request.db.raw('select pg_sleep(60)')
      return { fine: true }
    })
    app.post('/goes-on', { handlerTimeout: 60 }, async (request, reply) => {
      await request.db.raw('select pg_sleep(60)').catch(() => {})
      return reply.code(201).header('x-late', '1').send({ late: true })
    })
    app.post('/no-query', { handlerTimeout: 60 }, async (request) => {
      await request.db('users').insert({ email: 'too late' })
      return new Promise(() => {})
    })
    app.post('/without-end', { handlerTimeout: 10_000 }, async (request) => {
      await request.db('users').insert({ email: 'too late' })
      return new Promise(() => {})
    })
    app.post('/in-time', { handlerTimeout: 10_000 }, async (request) => {
      await request.db('users').insert({ email: 'in time' })
      return { fine: true }
    })
  })
  t.test('of the handler, answers 503 once and stores nothing', async (t) => {
    for (const path of ['/handler-timeout', '/goes-on', '/no-query']) {
      const answer = await hit('POST', path)
      t.equal(answer.status, 503)
      t.equal(answer.json.code, 'FST_ERR_HANDLER_TIMEOUT')
      t.equal(answer.headers.get('x-late'), null)
      t.same(answer.seen, [])
      t.equal(used(knex), 0)
    }
    t.same((await hit('POST', '/in-time')).seen, ['in time'])
  })
  t.test('of the socket', async (t) => {
    app.server.setTimeout(60)
    await t.rejects(hit('POST', '/without-end'))
    await until(() => used(knex) === 0)
    app.server.setTimeout(0)
    t.same(await database.see('select email from users'), ['in time'])
  })
})

t.test('a session that is asked for too late takes no statement', async (t) => {
  const codes: string[] = []
  const { hit } = await start(t, database, (app) => {
    app.get(
      '/',
      { onResponse: async (request) => void codes.push((await request.db('users').catch((e) => e)).code) },
      async () => 'ok',
    )
  })
  t.equal((await hit('GET', '/')).status, 200)
  await until(() => codes.length > 0)
  t.same(codes, ['DB_SESSION_OVER'])
})
