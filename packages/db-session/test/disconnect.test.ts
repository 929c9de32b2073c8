/** A client that disconnects, and a request that times out: the session rolls back at once. */
import http2 from 'node:http2'
import type { AddressInfo } from 'node:net'
import { setImmediate as immediate, setTimeout as sleep } from 'node:timers/promises'
import type { FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import { openDatabase, start, until, used } from './setup.ts'

const database = await openDatabase(t)
const sleepers = `select count(*)::int from pg_stat_activity where datname = current_database() and query like '%pg_sleep%' and state = 'active' and pid <> pg_backend_pid()`
const rows = async () => (await database.see('select count(*)::int from users'))[0]

t.test('a client that disconnects', async (t) => {
  const after: string[] = []
  const mails: string[] = []
  let waiting = 0
  let goOn = (): void => {}
  const { base, knex, hit, app } = await start(t, database, (app) => {
    const gate = () => {
      waiting++
      return new Promise<void>((resolve) => {
        goOn = resolve
      })
    }
    const note = (error: { code: string }) => void after.push(error.code)
    app.post('/slow', async (request) => {
      request.db.afterCommit(() => mails.push('mail'))
      await request.db('users').insert({ email: null })
      const [asleep] = await Promise.allSettled([request.db.raw('select pg_sleep(60)'), request.db('users')])
      after.push((asleep as PromiseRejectedResult).reason.code)
      await request.db('users').catch(note)
      return { fine: true }
    })
    app.post('/first', async (request) => {
      await request.db.raw('select pg_sleep(60)')
    })
    app.post('/before', async (request) => {
      await gate()
      await request.db('users').insert({ email: null }).catch(note)
      return {}
    })
    app.post('/between', async (request) => {
      await request.db('users').insert({ email: null })
      await gate()
      await request.db('users').insert({ email: null }).catch(note)
      return {}
    })
    app.post('/savepoint', async (request) => {
      await request.db
        .savepoint(async (db) => {
          await db('users').insert({ email: null })
          await db.raw('select pg_sleep(60)')
        })
        .catch(note)
      return {}
    })
    app.post('/early', async (request) => {
      await request.db('users').insert({ email: 'early' })
      await request.db.commit()
      await request.db('users').insert({ email: null })
      await request.db.raw('select pg_sleep(60)').catch(note)
      return {}
    })
    app.post('/unit', async (request) => {
      await request.db('users').insert({ email: null })
      await app.unitOfWork(async (db) => {
        await gate()
        await db('users').insert({ email: 'unit' })
      })
      return {}
    })
    app.post('/queue', async (request) => {
      await request.db('users').insert({ email: null }).catch(note)
      return {}
    })
    app.post('/queue-with-a-commit', async ({ db }) => {
      db.raw('select 1')
        .stream()
        .on('error', () => {})
        .destroy()
      await immediate()
      await db.commit().catch(note)
      return {}
    })
    app.post('/queue-with-a-savepoint', async ({ db }) => {
      const work = async (inner: typeof db) => {
        inner('users').catch(() => {})
        throw new Error('undo')
      }
      await db.savepoint(work).catch(note)
      return {}
    })
    app.get('/ok', async (request) => request.db.raw('select 1'))
  })
  const abort = async (path: string, ready: () => unknown) => {
    const controller = new AbortController()
    const response = fetch(base + path, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
      signal: controller.signal,
    })
    await until(ready)
    controller.abort()
    await response.catch(() => {})
  }
  const oneSleeps = async () => (await database.see(sleepers))[0] === 1
  t.beforeEach(async () => {
    after.length = waiting = 0
    await database.other.query('truncate users cascade')
  })
  t.test('a disconnect cancels the statement under way and rejects later ones', async (t) => {
    const { pid } = (await knex.raw('select pg_backend_pid() as pid')).rows[0]
    await abort('/slow', oneSleeps)
    await until(() => used(knex) === 0)
    await until(() => after.length === 2)
    t.same(after, ['DB_SESSION_ABORTED', 'DB_SESSION_ABORTED'])
    t.same([await rows(), (await database.see(sleepers))[0]], [0, 0])
    t.same(mails, [], 'afterCommit does not run')
    if (!process.env.DB_SESSION_TEST_VIA)
      t.equal((await knex.raw('select pg_backend_pid() as pid')).rows[0].pid, pid, 'the connection is kept')
  })
  t.test('a disconnect cancels the first statement', async (t) => {
    await abort('/first', oneSleeps)
    await until(() => used(knex) === 0)
    t.equal((await hit('GET', '/ok')).status, 200)
  })
  t.test('a disconnect before the first statement takes no connection', async (t) => {
    const acquired: unknown[] = []
    const listen = (id: unknown) => void acquired.push(id)
    knex.client.pool.on('acquireRequest', listen)
    const closed = new Promise((resolve) => {
      app.server.once('request', (request) => request.socket.once('close', resolve))
    })
    await abort('/before', () => waiting === 1)
    await closed
    goOn()
    await until(() => after.length === 1)
    knex.client.pool.removeListener('acquireRequest', listen)
    t.same(after, ['DB_SESSION_OVER'])
    t.same(acquired, [])
    t.equal(await rows(), 0)
  })
  t.test('a disconnect between two statements rolls back before the handler ends', async (t) => {
    await abort('/between', () => waiting === 1)
    await until(() => used(knex) === 0)
    goOn()
    await until(() => after.length === 1)
    t.same(after, ['DB_SESSION_ABORTED'])
    t.equal(await rows(), 0)
  })
  t.test('a disconnect in a savepoint rolls the session back', async (t) => {
    await abort('/savepoint', oneSleeps)
    await until(() => used(knex) === 0 && after.length === 1)
    t.same(after, ['DB_SESSION_ABORTED'])
    t.equal(await rows(), 0)
  })
  t.test('a disconnect does not roll back an early commit', async (t) => {
    await abort('/early', oneSleeps)
    await until(() => used(knex) === 0 && after.length === 1)
    t.same(await database.see('select email from users'), ['early'])
  })
  t.test('a disconnect does not end a unit of work', async (t) => {
    await abort('/unit', () => waiting === 1)
    await until(() => used(knex) === 0)
    goOn()
    await until(async () => (await rows()) === 1)
    t.same(await database.see('select email from users'), ['unit'])
    await until(() => used(knex) === 0)
  })
  t.test('a disconnect ends the wait for a connection', async (t) => {
    const held = await Promise.all(Array.from({ length: 5 }, () => knex.client.acquireConnection()))
    let asked = 0
    const listen = () => asked++
    knex.client.pool.on('acquireRequest', listen)
    for (const path of ['/queue', '/queue-with-a-commit', '/queue-with-a-savepoint']) {
      asked = after.length = 0
      await abort(path, async () => asked > 0)
      await until(() => after.length === 1, `the end of ${path}`)
      t.same(after, ['DB_SESSION_ABORTED'])
    }
    for (const connection of held) knex.client.releaseConnection(connection)
    knex.client.pool.removeListener('acquireRequest', listen)
    await until(() => used(knex) === 0)
    t.equal(await rows(), 0)
    t.equal((await hit('GET', '/ok')).status, 200)
  })
})

t.test('many disconnects', async (t) => {
  const { base, knex, hit } = await start(
    t,
    database,
    (app) => {
      const slow = async (request: FastifyRequest) => {
        await request.db('users').insert({ email: null })
        await request.db.raw('select pg_sleep(60)')
      }
      app.post('/slow', slow)
      app.post('/ok', async (request) => {
        await request.db.raw('select 1')
        return {}
      })
    },
    { max: 21, acquireTimeoutMs: 60_000 },
  )
  let aborted = 0
  const post = async (ready: () => Promise<unknown>) => {
    const controller = new AbortController()
    const response = fetch(`${base}/slow`, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': 'application/json' },
      signal: controller.signal,
    })
    await ready()
    controller.abort()
    await response.catch(() => aborted++)
  }
  const assertAllFree = async (t: Test) => {
    await until(() => used(knex) === 0 && knex.client.pool.numPendingAcquires() === 0)
    await until(async () => (await database.see(sleepers))[0] === 0, 'the end of the last sleep')
    t.equal(await rows(), 0)
    const responses = await Promise.all(Array.from({ length: 40 }, () => hit('POST', '/ok')))
    t.same([...new Set(responses.map((response) => response.status))], [200])
  }
  t.test(
    'after 40 disconnects during a statement, every connection is free and no row is stored',
    async (t) => {
      for (let round = 0; round < 2; round++) {
        const asleep = until(async () => (await database.see(sleepers))[0] === 20, '20 that sleep')
        await Promise.all(Array.from({ length: 20 }, () => post(() => asleep)))
        await until(() => used(knex) === 0)
      }
      t.equal(aborted, 40)
      await assertAllFree(t)
    },
  )
  t.test('after 80 disconnects at random times, every connection is free and no row is stored', async (t) => {
    aborted = 0
    for (let round = 0; round < 2; round++)
      await Promise.all(Array.from({ length: 40 }, () => post(() => sleep(Math.random() * 20))))
    t.equal(aborted, 80)
    await assertAllFree(t)
  })
})

t.test('an HTTP/2 stream that is reset rolls back, and is not treated as a hijacked reply', async (t) => {
  const { app, knex, log } = await start(
    t,
    database,
    (app) => {
      app.post('/', async ({ db }) => {
        await db('users').insert({ email: 'reset' })
        await db.raw('select pg_sleep(60)')
        return {}
      })
    },
    { server: { http2: true } as never },
  )
  const { port } = app.server.address() as AddressInfo
  const client = http2.connect(`http://127.0.0.1:${port}`)
  t.teardown(() => client.destroy())
  const request = client.request({ ':method': 'POST', ':path': '/' })
  request.on('error', () => {}).end()
  await until(async () => (await database.see(sleepers))[0] === 1)
  request.close(http2.constants.NGHTTP2_CANCEL)
  await until(() => used(knex) === 0)
  t.same(await database.see("select email from users where email = 'reset'"), [])
  t.notMatch(log, [{ msg: /hijacked/ }])
})

t.test('a timeout', async (t) => {
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
    app.post('/throws-later', { handlerTimeout: 60 }, async (request) => {
      await request.db.raw('select pg_sleep(60)').catch(() => {})
      throw new Error('late')
    })
    app.post('/no-query', { handlerTimeout: 60 }, async (request) => {
      await request.db('users').insert({ email: 'too late' })
      return new Promise(() => {})
    })
    app.post('/without-end', { handlerTimeout: 600_000 }, async (request) => {
      await request.db('users').insert({ email: 'too late' })
      return new Promise(() => {})
    })
    app.post('/in-time', { handlerTimeout: 600_000 }, async (request) => {
      await request.db('users').insert({ email: 'in time' })
      return { fine: true }
    })
  })
  t.test('a handler that times out gets one 503, which is sent when its connection is free', async (t) => {
    for (const path of ['/handler-timeout', '/goes-on', '/throws-later', '/no-query']) {
      const response = await hit('POST', path)
      t.equal(response.status, 503)
      t.equal(response.json.code, 'FST_ERR_HANDLER_TIMEOUT')
      t.equal(response.headers.get('x-late'), null)
      t.same(response.seen, [])
      t.equal(used(knex), 0, path)
    }
    t.same((await hit('POST', '/in-time')).seen, ['in time'])
  })
  t.test('a request whose socket times out rolls back', async (t) => {
    app.server.setTimeout(60)
    await t.rejects(hit('POST', '/without-end'))
    await until(() => used(knex) === 0)
    app.server.setTimeout(0)
    t.same(await database.see('select email from users'), ['in time'])
  })
})
