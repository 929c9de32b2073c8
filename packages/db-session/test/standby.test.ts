import t, { type Test } from 'tap'
import type { DbSession, DbSessionOptions, ReplicaCondition } from '../src/index.ts'
import { proxy } from './proxy.ts'
import { openDatabase, openKnex, rejection, start, until, used } from './setup.ts'

// The replica is the same Postgres under another name; streaming ones are in system/replica.test.ts.
const database = await openDatabase(t)
const REPLICA = `${database.url}?application_name=replica`
const NAME = "select current_setting('application_name') as name, ?::int as n"
const HOLDS: ReplicaCondition = { text: 'select true' }

/** Routes that say which of the two has served them. */
async function serve(
  t: Test,
  replicaFor: NonNullable<DbSessionOptions['replicaFor']>,
  { url = REPLICA, acquireTimeoutMs = 2_000 } = {},
) {
  const log: { level: number; msg: string }[] = []
  const replica = openKnex(url, 2)
  const running = await start(
    t,
    database,
    (app) => {
      app.get('/', { config: { db: { mode: 'read' } } }, async ({ db }) => {
        const first = (await db.raw(NAME, [1])).rows[0].name
        const second = (await db.raw(NAME, [2])).rows[0].name
        return [first === second && (first || 'primary'), db.timeline.map(({ kind }) => kind)]
      })
      app.get('/write', async ({ db }) => [(await db.raw(NAME, [1])).rows[0].name || 'primary'])
    },
    {
      replica,
      replicaFor,
      acquireTimeoutMs,
      server: { logger: { level: 'info', stream: { write: (line) => void log.push(JSON.parse(line)) } } },
    },
  )
  const by = async (path = '/') => JSON.parse((await running.hit('GET', path)).body)[0]
  return { ...running, log, replica, by }
}

t.test('a replica serves a session where the condition holds', async (t) => {
  const { hit, by, replica, knex } = await serve(t, () => HOLDS)
  t.same(JSON.parse((await hit('GET', '/')).body), ['replica', ['begin', 'query', 'query']])
  t.equal(await by('/write'), 'primary', 'but none of mode write')
  t.same([used(knex), used(replica)], [0, 0])
})

t.test('the primary serves it where the condition does not hold, or there is none', async (t) => {
  let condition: ReplicaCondition | undefined
  const { hit, replica, knex } = await serve(t, () => condition)
  for (condition of [
    { text: 'select false' },
    { text: 'select null' },
    { text: "select 'true'" },
    { text: 'select true where false' },
    { text: 'select $1::int > 5', values: [5] },
    undefined,
  ]) {
    const answer = JSON.parse((await hit('GET', '/')).body)
    t.same(answer, ['primary', ['begin', 'query', 'query']], condition?.text ?? 'none')
    t.same([used(knex), used(replica)], [0, 0])
  }
  condition = { text: 'select $1::int > 5', values: [6] }
  t.equal(JSON.parse((await hit('GET', '/')).body)[0], 'replica')
})

t.test('the condition is asked in the transaction that it is for', async (t) => {
  const seen = "select set_config('test.asked', pg_backend_pid()::text, true) is not null"
  const replica = openKnex(REPLICA, 3)
  const { hit } = await start(
    t,
    database,
    (app) => {
      const asked = "select current_setting('test.asked') = pg_backend_pid()::text as same"
      app.get('/', { config: { db: { mode: 'read' } } }, async ({ db }) => (await db.raw(asked)).rows[0].same)
    },
    { replica, replicaFor: () => ({ text: seen }) },
  )
  for (const answer of await Promise.all([1, 2, 3, 4].map(() => hit('GET', '/'))))
    t.equal(answer.body, 'true')
})

t.test('the request is known to whoever decides; a unit of work has none', async (t) => {
  const asked: unknown[] = []
  const { app, by } = await serve(t, (request) => {
    asked.push(request?.url)
    return request && HOLDS
  })
  t.equal(await by(), 'replica')
  await app.unitOfWork(async (db) => t.equal((await db.raw(NAME, [1])).rows[0].name, ''), { mode: 'read' })
  t.same(asked, ['/', undefined])
})

t.test('a replica that was never there is passed by', async (t) => {
  const { by, log, replica } = await serve(t, () => HOLDS, { url: 'postgres://nobody@127.0.0.1:1/none' })
  t.equal(await by(), 'primary')
  t.match(
    log.find(({ level }) => level === 40),
    { err: { code: 'DB_SESSION_UNAVAILABLE' } },
  )
  t.equal(used(replica), 0)
})

t.test('a replica that cannot be reached is passed by, and used when it is back', async (t) => {
  const way = await proxy(t, REPLICA)
  const { by, replica, knex, log } = await serve(t, () => HOLDS, { url: way.url })
  t.equal(await by(), 'replica')
  way.onMessage = () => 'cut'
  way.cutAll()
  for (let n = 0; n < 5; n++) t.equal(await by(), 'primary')
  way.onMessage = () => 'pass'
  await until(async () => (await by()) === 'replica')
  t.same(
    log.map(({ msg }) => msg).filter((msg) => /replica/.test(msg)),
    ['the replica cannot be used: the primary serves what is read', 'the replica is back'],
  )
  t.same([used(knex), used(replica)], [0, 0])
})

t.test('a replica that does not answer is passed by, and then left alone for a while', async (t) => {
  const way = await proxy(t, REPLICA)
  const { by, replica } = await serve(t, () => HOLDS, { url: way.url, acquireTimeoutMs: 100 })
  await until(async () => (await by()) === 'replica')
  way.onMessage = () => 'mute'
  const before = way.messages.length
  t.equal(await by(), 'primary')
  t.equal(way.messages.length, before + 1, 'it was asked')
  t.equal(await by(), 'primary')
  t.equal(way.messages.length, before + 1, 'and was not asked again')
  t.equal(used(replica), 0)
})

t.test('a condition that Postgres refuses is a warning, and the primary serves', async (t) => {
  const { by, log, replica } = await serve(t, () => ({ text: 'select no_such_column' }))
  t.equal(await by(), 'primary')
  t.match(
    log.find(({ level }) => level === 40),
    { level: 40, err: { code: '42703' } },
  )
  t.equal(used(replica), 0)
})

t.test('a client that goes away while the replica is asked holds no connection', async (t) => {
  const { base, replica, knex, by } = await serve(t, () => ({
    text: 'select pg_sleep(0.3)::text is not null',
  }))
  const left = new AbortController()
  const answer = rejection(fetch(base, { signal: left.signal }))
  await until(() => used(replica) === 1)
  left.abort()
  await answer
  await until(() => used(replica) === 0)
  t.equal(used(knex), 0)
  t.equal(await by(), 'replica')
})

t.test(
  'a client that goes away while a silent replica is asked has nothing asked of the primary',
  async (t) => {
    const way = await proxy(t, REPLICA)
    const { base, by, replica, knex } = await serve(t, () => HOLDS, { url: way.url, acquireTimeoutMs: 200 })
    await until(async () => (await by()) === 'replica')
    way.onMessage = () => 'mute'
    const events: string[] = []
    knex.client.pool.on('acquireRequest', () => events.push('asked'))
    const left = new AbortController()
    const answer = rejection(fetch(base, { signal: left.signal }))
    await until(() => used(replica) === 1)
    left.abort()
    await answer
    await until(() => used(replica) === 0)
    t.same(events, [])
    t.equal(await by(), 'primary')
    t.same(events, ['asked'], 'as otherwise')
  },
)

t.test('a read that the replica fails on the way is served by the primary', async (t) => {
  const onReplica = "current_setting('application_name') = 'replica'"
  const failures = {
    'the connection ends': `select case when ${onReplica} then pg_terminate_backend(pg_backend_pid()) end`,
    // What Postgres says of a conflict with its replay.
    'it is cancelled': `do $$ begin if ${onReplica} then raise sqlstate '40001'; end if; end $$`,
  }
  const other = `do $$ begin if ${onReplica} then raise sqlstate '22012'; end if; end $$`
  const ran: string[] = []
  const replica = openKnex(REPLICA, 2)
  const { hit, app, knex } = await start(
    t,
    database,
    (app) => {
      app.get<{ Querystring: { sql: string } }>(
        '/',
        { config: { db: { mode: 'read' } } },
        async ({ db, query }, reply) => {
          const name = (await db.raw(NAME, [1])).rows[0].name || 'primary'
          ran.push(name)
          reply.header('served-by', name)
          await db.raw(query.sql)
          return name
        },
      )
    },
    { replica, replicaFor: () => HOLDS },
  )
  for (const [what, sql] of Object.entries(failures)) {
    const answer = await hit('GET', `/?sql=${encodeURIComponent(sql)}`)
    t.match({ status: answer.status, body: answer.body }, { status: 200, body: 'primary' }, what)
    t.same(ran.splice(0), ['replica', 'primary'])
    const work = async (db: DbSession) => {
      const { name } = (await db.raw(NAME, [1])).rows[0]
      await db.raw(sql)
      return name
    }
    t.equal(await app.unitOfWork(work, { mode: 'read' }), '', what)
  }
  t.equal(
    (await hit('GET', `/?sql=${encodeURIComponent(other)}`)).status,
    500,
    'and no other error is tried again',
  )
  t.same(ran.splice(0), ['replica'])
  t.same([used(knex), used(replica)], [0, 0])
})

t.test('of those who read from a replica that is gone, one finds out whether it is back', async (t) => {
  const way = await proxy(t, REPLICA)
  const { by, replica } = await serve(t, () => HOLDS, { url: way.url, acquireTimeoutMs: 100 })
  await until(async () => (await by()) === 'replica')
  way.onMessage = () => 'mute'
  t.equal(await by(), 'primary')
  // The rest is over when one is asked again.
  const before = way.messages.length
  await until(async () => {
    for (const name of await Promise.all([by(), by(), by(), by(), by()])) t.equal(name, 'primary')
    return way.messages.length > before
  })
  t.equal(way.messages.length, before + 1)
  t.equal(used(replica), 0)
  way.cutAll()
})
