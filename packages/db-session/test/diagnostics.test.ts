import diagnostics from 'node:diagnostics_channel'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import net from 'node:net'
import Fastify from 'fastify'
import t from 'tap'
import { dbSession } from '../src/index.ts'
import { openDatabase, openKnex, rejection, start, until, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users restart identity cascade'))
const stored = () => database.see('select email from users order by id')

t.test('a unit of work', async (t) => {
  const waits: number[] = []
  const { app, log } = await start(t, database, () => {}, {
    sleep: async (ms) => void waits.push(ms),
    random: () => 1,
  })
  t.test('is stored when it resolves', async (t) => {
    t.equal(
      await app.unitOfWork((db) =>
        db('users')
          .insert({ email: 'x' })
          .then(() => 'result'),
      ),
      'result',
    )
    t.same(await stored(), ['x'])
  })
  t.test('is undone when it rejects, or asks for it', async (t) => {
    await t.rejects(
      app.unitOfWork(async (db) => {
        await db('users').insert({ email: 'x' })
        throw new Error('no')
      }),
      { message: 'no' },
    )
    await app.unitOfWork(async (db) => {
      await db('users').insert({ email: 'x' })
      db.rollbackOnly()
      t.equal((await rejection(db.commit())).code, 'DB_SESSION_NOT_ON_A_SESSION')
    })
    t.same(await stored(), [])
  })
  t.test('runs again after a serialization failure, its waits growing up to a limit', async (t) => {
    let runs = 0
    const error = await rejection(
      app.unitOfWork(
        async (db) => {
          runs++
          await db.raw("do $$ begin raise exception using errcode = '40001'; end $$")
        },
        { retry: 7 },
      ),
    )
    t.equal(error.code, '40001')
    t.equal(runs, 8)
    t.same(waits, [10, 20, 40, 80, 160, 250, 250])
  })
  t.test('has work after its commit whose errors are logged', async () => {
    await app.unitOfWork(async (db) => {
      db.afterCommit(() => {
        throw new Error('no mail')
      })
    })
    await until(() => log.some((line) => /work after the commit failed/.test(String(line.msg))))
  })
  t.test('of mode read refuses to write', async (t) => {
    const error = await rejection(
      app.unitOfWork((db) => db.from('users').insert({ email: 'x' }), { mode: 'read' }),
    )
    t.equal(error.code, '25006')
    t.equal(await app.unitOfWork(async (db) => db.mode, { mode: 'read' }), 'read')
    t.equal(await app.unitOfWork(async (db) => db.mode), 'write')
  })
})

t.test('mode read', async (t) => {
  const replica = openKnex(`${database.url}?application_name=replica`, 2)
  const { hit } = await start(
    t,
    database,
    (app) => {
      const name = "select current_setting('application_name') as name"
      app.get(
        '/read',
        { config: { db: { mode: 'read' } } },
        async (request) => (await request.db.raw(name)).rows,
      )
      app.get('/write', async (request) => (await request.db.raw(name)).rows)
      app.post('/wrong', { config: { db: { mode: 'read' } } }, async (request) =>
        request.db.from('users').insert({ email: 'x' }),
      )
    },
    { replica },
  )
  t.test('goes to the replica, and the other to the primary', async (t) => {
    if (!process.env.DB_SESSION_TEST_VIA) t.equal((await hit('GET', '/read')).body, '[{"name":"replica"}]')
    t.equal((await hit('GET', '/write')).body, '[{"name":""}]')
  })
  t.test('makes a write a clear error', async (t) => {
    const answer = await hit('POST', '/wrong')
    t.equal(answer.status, 500)
    t.equal(answer.json.code, 'DB_SESSION_READ_ONLY')
    t.match(answer.json.message, /mode/)
    t.same(answer.seen, [])
  })
})

t.test('what goes on is told', async (t) => {
  const events: { name: string; message: Record<string, unknown> }[] = []
  const listen = (message: unknown, name: string | symbol) =>
    void events.push({ name: String(name), message: message as Record<string, unknown> })
  const names = ['open', 'begin', 'query', 'savepoint', 'commit', 'rollback', 'idle', 'leak'].map(
    (n) => `auth-primer:db-session:${n}`,
  )
  for (const name of names) diagnostics.subscribe(name, listen)
  t.teardown(() => names.map((name) => diagnostics.unsubscribe(name, listen)))

  const routes = (app: import('fastify').FastifyInstance) => {
    app.post('/users', async (request) => {
      await request.db('users').insert({ email: 'secret' })
      await request.db.savepoint((db) => db('users').where({ email: 'secret' }))
      return request.db.timeline
    })
    app.post('/idle', async (request) => {
      await request.db('users').count()
      const since = performance.now()
      await until(() => performance.now() - since >= 20)
      return {}
    })
    app.post('/open', async (request) => {
      await request.db('users').count()
      await until(() => events.some(({ name }) => name.endsWith('leak')))
      return {}
    })
  }
  const never = { idleReportMs: 2 ** 31 - 1 }
  const { hit, log } = await start(t, database, routes, never)
  t.test('in its timeline and on diagnostics channels, without the values', async (t) => {
    const timeline = JSON.parse((await hit('POST', '/users')).body)
    t.same(
      timeline.map((event: { kind: string }) => event.kind),
      ['begin', 'query', 'savepoint', 'query', 'savepoint'],
    )
    t.match(timeline[1], { sql: /insert into "users"/, rowCount: 1, startedMs: Number, durationMs: Number })
    t.same(
      events.map(({ name }) => name.split(':').pop()),
      ['open', 'begin', 'query', 'savepoint', 'query', 'savepoint', 'commit'],
    )
    const [open] = events
    t.match(open?.message, { owner: 'POST /users', session: Number })
    t.match(events[2]?.message, { owner: 'POST /users', sql: /insert/ })
    t.ok(
      events.every(({ message }) => message.session === open?.message.session),
      'each with the session that it belongs to',
    )
    t.notMatch(JSON.stringify([events, timeline]), 'secret')
  })
  t.test('with the values where they are asked for, and with the errors', async (t) => {
    await database.other.query('truncate users cascade')
    const { hit } = await start(t, database, routes, { ...never, bindings: true })
    t.same(JSON.parse((await hit('POST', '/users')).body)[1].bindings, ['secret'])
    events.length = 0
    t.equal((await hit('POST', '/users')).status, 409)
    t.match(events[2]?.message, { error: '23505', constraint: 'users_email_key' })
    t.match(events[3]?.name, 'rollback')
  })
  t.test('a session that sits idle in its transaction is reported with its route', async (t) => {
    const { hit, log } = await start(t, database, routes, { idleReportMs: 20 })
    await hit('POST', '/idle')
    t.match(events.at(-2), {
      name: 'auth-primer:db-session:idle',
      message: { owner: 'POST /idle', ms: Number },
    })
    t.match(log, [{ owner: 'POST /idle', msg: /sat idle/ }])
    const patient = await start(t, database, routes, never)
    await patient.hit('POST', '/idle')
    t.same(patient.log, [], 'and not where it may sit for longer')
  })
  t.test('a session that stays open is reported with its route, once', async (t) => {
    events.length = 0
    const { hit, log } = await start(t, database, routes, { ...never, leakReportMs: 1 })
    await hit('POST', '/open')
    t.match(
      events.filter(({ name }) => name.endsWith('leak')),
      [{ message: { owner: 'POST /open' } }],
    )
    t.match(log, [{ owner: 'POST /open', msg: /still open/ }])
  })
  t.same(log, [], 'nothing is reported of the others')
})

t.test('shutdown', async (t) => {
  const knex = openKnex(database.url)
  const app = Fastify()
  await app.register(dbSession, { knex })
  let finish: (() => void) | undefined
  let mail: (() => void) | undefined
  let mailed = false
  app.post('/slow', async (request) => {
    await request.db('users').insert({ email: 'in flight' })
    await new Promise<void>((resolve) => {
      finish = resolve
    })
    request.db.afterCommit(async () => {
      await new Promise<void>((resolve) => {
        mail = resolve
      })
      mailed = true
    })
    return { fine: true }
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const silent = net.connect(port, '127.0.0.1')
  await once(silent, 'connect')
  const answer = fetch(`http://127.0.0.1:${port}/slow`, { method: 'POST' })
  await until(() => finish)
  const started = performance.now()
  let isClosed = false
  const closed = app.close().then(() => {
    isClosed = true
  })
  await once(silent, 'close')
  await t.rejects(fetch(`http://127.0.0.1:${port}/slow`, { method: 'POST' }), 'new requests are refused')
  finish?.()
  t.equal((await answer).status, 200, 'the one in flight finishes')
  t.same(await stored(), ['in flight'], 'and is stored')
  await until(() => mail)
  t.notOk(isClosed, 'what is to come after its commit is waited for')
  mail?.()
  await closed
  t.ok(performance.now() - started < 30_000, 'no socket that is kept alive holds it up, as it may for 72 s')
  t.ok(mailed, 'what waited for its commit has run')
  t.equal((await rejection(app.unitOfWork(async () => {}))).code, 'DB_SESSION_CLOSING')
  t.equal(knex.client.pool, undefined, 'the pool is closed')
})

t.test('shutdown with a unit of work that does not end', async (t) => {
  const knex = openKnex(database.url)
  const app = Fastify()
  await app.register(dbSession, { knex, replica: openKnex(database.url, 1), closeTimeoutMs: 50 })
  await app.ready()
  const endless = app.unitOfWork(async (db) => {
    await db('users').insert({ email: 'x' })
    await db.raw('select pg_sleep(600)')
  })
  await until(() => used(knex) === 1)
  const [error] = await Promise.all([rejection(endless), app.close()])
  t.equal(error.code, 'DB_SESSION_CLOSING')
  t.same(await stored(), [])
})

t.test('shutdown that leaves the pools to their owner', async (t) => {
  const knex = openKnex(database.url)
  const app = Fastify()
  await app.register(dbSession, { knex, closePools: false })
  await app.close()
  t.equal((await knex.raw('select 1 as one')).rows[0].one, 1)
  await knex.destroy()
})
