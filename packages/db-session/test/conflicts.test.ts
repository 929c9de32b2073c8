/** Serialization failures and deadlocks: a handler runs again if its route has the option `retry`. */
import t from 'tap'
import { openDatabase, raise, start, until, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(async () => {
  await database.other.query('truncate users restart identity cascade; update counter set n = 0')
})

const serializable = { isolation: 'serializable' as const }

t.test('15 concurrent serializable increments with `retry` end at 15', async (t) => {
  const waits: number[] = []
  let runs = 0
  const { hit } = await start(
    t,
    database,
    (app) => {
      app.post('/', { config: { db: { ...serializable, retry: 100 } } }, async (request) => {
        runs++
        const { n } = await request.db('counter').first()
        await request.db('counter').update({ n: n + 1 })
        return { n: n + 1 }
      })
      app.post('/once', { config: { db: serializable } }, async (request) => {
        const { n } = await request.db('counter').first()
        await request.db('counter').update({ n: n + 1 })
        return { n: n + 1 }
      })
    },
    { sleep: async (ms) => void waits.push(ms), max: 10 },
  )
  const together = async (path: string) => {
    const responses = await Promise.all(Array.from({ length: 15 }, () => hit('POST', path)))
    return responses.filter((response) => response.status === 200).length
  }
  t.equal(await together('/'), 15)
  t.same(await database.see('select n from counter'), [15])
  t.ok(runs > 15, `${runs} runs`)
  t.equal(waits.length, runs - 15)
  t.ok(waits.every((ms) => ms >= 0 && ms <= 250))

  await database.other.query('update counter set n = 0')
  const committed = await together('/once')
  t.ok(committed < 15, 'without `retry` some are a 409')
  t.same(await database.see('select n from counter'), [committed], 'every 200 is committed')
})

t.test('a retry', async (t) => {
  let runs = 0
  const mails: number[] = []
  const sessions = new Set<unknown>()
  const { hit, knex } = await start(
    t,
    database,
    async (app) => {
      await database.other.query(`create function fail_at_commit() returns trigger language plpgsql as
        $$ begin if new.email = 'run 1' then raise exception using errcode = '40001'; end if; return null; end $$;
        create constraint trigger at_commit after insert on users deferrable initially deferred
        for each row execute function fail_at_commit()`)
      app.addHook('onRequest', async () => {
        runs = 0
      })
      for (const [path, retry] of [
        ['/commit', 2],
        ['/commit-once', 0],
      ] as const) {
        app.post(path, { config: { db: { retry } } }, async (request, reply) => {
          sessions.add(request.db)
          await request.db('users').insert({ email: `run ${++runs}` })
          const mine = runs
          request.db.afterCommit(() => mails.push(mine))
          if (runs === 1) reply.header('x-first', '1').header('set-cookie', 'first=1').code(202)
          return { runs }
        })
      }
      app.post('/commit-callback', { config: { db: { retry: 2 } } }, (request, reply) => {
        request
          .db('users')
          .insert({ email: `run ${++runs}` })
          .then(
            () => reply.code(201).send({ runs }),
            (error) => reply.send(error),
          )
      })
      app.post('/commit-then-error', { config: { db: { retry: 2 } } }, async (request) => {
        await request.db('users').insert({ email: `run ${++runs}` })
        if (runs === 2) throw Object.assign(new Error('second'), { statusCode: 418 })
        return {}
      })
      app.post(
        '/commit-then-unserializable',
        {
          config: { db: { retry: 2 } },
          schema: { response: { 200: { type: 'object', required: ['a'], properties: { a: {} } } } },
        },
        async (request) => {
          await request.db('users').insert({ email: `run ${++runs}` })
          return (runs === 2 ? {} : { a: 1 }) as { a: number }
        },
      )
      app.post('/commit-then-throw', { config: { db: { retry: 2 } } }, async (request) => {
        await request.db('users').insert({ email: `run ${++runs}` })
        if (runs === 2) throw 'no error'
        return {}
      })
      app.post<{ Querystring: { state: string; times: string } }>(
        '/statement',
        { config: { db: { retry: 2 } } },
        async (request) => {
          await request.db('users').insert({ email: `statement ${request.query.times}` })
          if (++runs <= Number(request.query.times)) await request.db.raw(raise(request.query.state))
          return { runs }
        },
      )
      app.post('/swallowed', { config: { db: { retry: 2 } } }, async (request) => {
        if (++runs === 1) await request.db.raw(raise('40001')).catch(() => {})
        return { runs }
      })
      app.post('/sync', { config: { db: { retry: 2 } } }, () => {
        runs++
        throw Object.assign(new Error('no'), { statusCode: 400 })
      })
      app.post('/early', { config: { db: { retry: 2 } } }, async (request) => {
        await request.db('users').insert({ email: `early ${++runs}` })
        await request.db.commit()
        await request.db.raw(raise('40001'))
      })
      app.post('/begun', { config: { db: { retry: 2 } } }, async (request, reply) => {
        runs++
        reply.hijack()
        reply.raw.write('begun')
        await request.db.raw(raise('40001')).catch(() => {})
        reply.raw.end()
      })
    },
    { sleep: async () => {} },
  )

  t.test(
    'a handler runs again after a COMMIT that fails, and nothing of its first run is left',
    async (t) => {
      const response = await hit('POST', '/commit')
      t.equal(response.status, 200)
      t.equal(response.json.runs, 2)
      t.equal(response.headers.get('x-first'), null)
      t.equal(response.headers.get('set-cookie'), null)
      t.same(response.seen, ['run 2'])
      await until(() => mails.length > 0)
      t.same(mails, [2], 'afterCommit runs once')
      t.equal(sessions.size, 2, 'each run has its own session')
    },
  )
  t.test('a handler without `retry` does not run again', async (t) => {
    const response = await hit('POST', '/commit-once')
    t.equal(response.status, 409)
    t.equal(response.json.code, 'DB_SESSION_SERIALIZATION')
    t.same(response.seen, [])
  })
  t.test('a handler that calls reply.send() runs again', async (t) => {
    const response = await hit('POST', '/commit-callback')
    t.equal(response.status, 201)
    t.same(response.seen, ['run 2'])
  })
  t.test('an error of the second run is the error of the response', async (t) => {
    t.equal((await hit('POST', '/commit-then-error')).status, 418)
    t.equal((await hit('POST', '/commit-then-throw')).status, 500)
    t.equal((await hit('POST', '/commit-then-unserializable')).status, 500)
    t.same(await database.see('select email from users'), [])
  })
  for (const state of ['40001', '40P01']) {
    t.test(`a handler runs again after ${state} at a statement, at most \`retry\` times`, async (t) => {
      const response = await hit('POST', `/statement?state=${state}&times=2`)
      t.equal(response.status, 200)
      t.equal(response.json.runs, 3)
      t.same(response.seen, ['statement 2'])
      const given = await hit('POST', `/statement?state=${state}&times=3`)
      t.equal(given.status, 409, 'the third conflict')
      t.equal(given.json.code, 'DB_SESSION_SERIALIZATION')
    })
  }
  t.test('a handler does not run again after another error', async (t) => {
    t.equal((await hit('POST', '/statement?state=22012&times=1')).status, 500)
    t.equal(runs, 1)
    t.equal((await hit('POST', '/sync')).status, 400)
    t.equal(runs, 1)
  })
  t.test('a handler runs again after a conflict that it swallowed', async (t) => {
    t.equal((await hit('POST', '/swallowed')).json.runs, 2)
  })
  t.test('a handler does not run again after an early commit()', async (t) => {
    const response = await hit('POST', '/early')
    t.equal(response.status, 409)
    t.same(response.seen, ['early 1'])
  })
  t.test('a handler does not run again once its reply has begun', async (t) => {
    t.equal((await hit('POST', '/begun')).body, 'begun')
    t.equal(runs, 1)
  })
  t.equal(used(knex), 0)
})
