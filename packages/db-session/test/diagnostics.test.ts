/** The timeline of a session, its diagnostics channels, and the reports of sessions that hold a transaction for too long. */
import diagnostics from 'node:diagnostics_channel'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import type { DbSession } from '../src/index.ts'
import { openDatabase, raise, rejection, start, until } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users restart identity cascade'))

t.test('the back-off of a retry doubles up to its maximum', async (t) => {
  const waits: number[] = []
  const { app } = await start(t, database, () => {}, {
    sleep: async (ms) => void waits.push(ms),
    random: () => 1,
  })
  let runs = 0
  const work = async (db: DbSession) => {
    runs++
    await db.raw(raise('40001'))
  }
  t.equal((await rejection(app.unitOfWork(work, { retry: 7 }))).code, 'DB_SESSION_SERIALIZATION')
  t.equal(runs, 8)
  t.same(waits, [10, 20, 40, 80, 160, 250, 250])
})

t.test('an error of a function given to afterCommit is logged', async (t) => {
  const { app, log } = await start(t, database, () => {})
  for (const fail of [
    () => {
      throw new Error('no mail')
    },
    () => Promise.reject(new Error('no mail')),
  ]) {
    log.length = 0
    await app.unitOfWork(async (db) => db.afterCommit(fail))
    await until(() => log.length > 0)
    t.match(log, [{ err: { message: 'no mail' }, msg: /afterCommit failed/ }])
  }
})

t.test('rollbackOnly() rolls a unit of work back, and commit() is rejected after it', async (t) => {
  const { app } = await start(t, database, () => {})
  await app.unitOfWork(async (db) => {
    await db('users').insert({ email: 'x' })
    db.rollbackOnly()
    t.equal((await rejection(db.commit())).code, 'DB_SESSION_NOT_ON_A_SESSION')
  })
  t.same(await database.see('select email from users'), [])
})

t.test('diagnostics', async (t) => {
  const events: { name: string; message: Record<string, unknown> }[] = []
  const listen = (message: unknown, name: string | symbol) =>
    void events.push({ name: String(name), message: message as Record<string, unknown> })
  const names = ['open', 'begin', 'query', 'savepoint', 'commit', 'rollback', 'idle', 'leak'].map(
    (n) => `auth-primer:db-session:${n}`,
  )
  for (const name of names) diagnostics.subscribe(name, listen)
  t.teardown(() => names.map((name) => diagnostics.unsubscribe(name, listen)))

  const routes = (app: FastifyInstance) => {
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
  t.test('the timeline and the diagnostics channels show every statement without its values', async (t) => {
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
      'each event has the number of its session',
    )
    t.notMatch(JSON.stringify([events, timeline]), 'secret')
  })
  t.test('with `bindings`, the timeline shows the values, and errors in any case', async (t) => {
    await database.other.query('truncate users cascade')
    const { hit } = await start(t, database, routes, { ...never, bindings: true })
    t.same(JSON.parse((await hit('POST', '/users')).body)[1].bindings, ['secret'])
    events.length = 0
    t.equal((await hit('POST', '/users')).status, 409)
    t.match(events[2]?.message, { error: '23505', constraint: 'users_email_key' })
    t.match(events[3]?.name, 'rollback')
  })
  t.test('a session whose transaction sits idle is logged with its route', async (t) => {
    const { hit, log } = await start(t, database, routes, { idleReportMs: 20 })
    await hit('POST', '/idle')
    t.match(events.at(-2), {
      name: 'auth-primer:db-session:idle',
      message: { owner: 'POST /idle', ms: Number },
    })
    t.match(log, [{ owner: 'POST /idle', msg: /sat idle/ }])
    const silent = await start(t, database, routes, never)
    await silent.hit('POST', '/idle')
    t.same(silent.log, [], 'a session that may sit idle for longer')
  })
  t.test('a session that stays open is logged with its route, once', async (t) => {
    events.length = 0
    const { hit, log } = await start(t, database, routes, { ...never, leakReportMs: 1 })
    await hit('POST', '/open')
    t.match(
      events.filter(({ name }) => name.endsWith('leak')),
      [{ message: { owner: 'POST /open' } }],
    )
    t.match(log, [{ owner: 'POST /open', msg: /still open/ }])
  })
  t.same(log, [], 'no other session')
})
