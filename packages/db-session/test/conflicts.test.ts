import { Readable } from 'node:stream'
import t from 'tap'
import { openDatabase, start, until, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(async () => {
  await database.other.query('truncate users restart identity cascade; update counter set n = 0')
})

const serializable = { isolation: 'serializable' as const }
const fail = (state: string) => `do $$ begin raise exception using errcode = '${state}'; end $$`

t.test('40 concurrent serializable increments end at 40', async (t) => {
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
    const answers = await Promise.all(Array.from({ length: 40 }, () => hit('POST', path)))
    return answers.filter((answer) => answer.status === 200).length
  }
  t.equal(await together('/'), 40)
  t.same(await database.see('select n from counter'), [40])
  t.ok(runs > 40, `${runs} runs`)
  t.equal(waits.length, runs - 40)
  t.ok(waits.every((ms) => ms >= 0 && ms <= 250))

  await database.other.query('update counter set n = 0')
  const stored = await together('/once')
  t.ok(stored < 40, 'without a retry some are told 409')
  t.same(
    await database.see('select n from counter'),
    [stored],
    'and nobody is told that what was lost was stored',
  )
})

t.test('40 concurrent increments with retry: 10 end at 40', async (t) => {
  const { hit } = await start(
    t,
    database,
    (app) => {
      app.post('/', { config: { db: { ...serializable, retry: 10 } } }, async (request) => {
        const { n } = await request.db('counter').first()
        await request.db('counter').update({ n: n + 1 })
        return {}
      })
    },
    { max: 5 },
  )
  const answers = await Promise.all(Array.from({ length: 40 }, () => hit('POST', '/')))
  t.ok(answers.every((answer) => answer.status === 200))
  t.same(await database.see('select n from counter'), [40])
})

t.test('a retry', async (t) => {
  let runs = 0
  const mails: number[] = []
  const sessions = new Set<unknown>()
  const requests = new Set<unknown>()
  const { hit, app, knex } = await start(
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
      app.addContentTypeParser('application/stream', (_request, payload, done) => done(null, payload))
      for (const [path, retry] of [
        ['/commit', 2],
        ['/commit-once', 0],
      ] as const) {
        app.post(path, { config: { db: { retry } } }, async (request, reply) => {
          sessions.add(request.db)
          requests.add(request)
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
      app.post('/commit-redirect', { config: { db: { retry: 2 } } }, async (request, reply) => {
        await request.db('users').insert({ email: `run ${++runs}` })
        return runs < 2 ? reply.code(201).send({}) : reply.redirect('/there')
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
          if (++runs <= Number(request.query.times)) await request.db.raw(fail(request.query.state))
          return { runs }
        },
      )
      app.post('/swallowed', { config: { db: { retry: 2 } } }, async (request) => {
        if (++runs === 1) await request.db.raw(fail('40001')).catch(() => {})
        return { runs }
      })
      app.post('/sync', { config: { db: { retry: 2 } } }, () => {
        runs++
        throw Object.assign(new Error('no'), { statusCode: 400 })
      })
      app.post('/early', { config: { db: { retry: 2 } } }, async (request) => {
        await request.db('users').insert({ email: `early ${++runs}` })
        await request.db.commit()
        await request.db.raw(fail('40001'))
      })
      app.post('/begun', { config: { db: { retry: 2 } } }, async (request, reply) => {
        runs++
        reply.hijack()
        reply.raw.write('begun')
        await request.db.raw(fail('40001')).catch(() => {})
        reply.raw.end()
      })
      app.post('/stream', { config: { db: { retry: 2 } } }, async (request) => {
        for await (const _ of request.body as Readable) runs++
        await request.db.raw(fail('40001'))
      })
    },
    { sleep: async () => {} },
  )

  t.test('comes after a COMMIT that fails, as if the first run had not been', async (t) => {
    const answer = await hit('POST', '/commit')
    t.equal(answer.status, 200)
    t.equal(answer.json.runs, 2)
    t.equal(answer.headers.get('x-first'), null)
    t.equal(answer.headers.get('set-cookie'), null)
    t.same(answer.seen, ['run 2'])
    await until(() => mails.length > 0)
    t.same(mails, [2], 'and its work after the commit runs once')
    t.equal(sessions.size, 2, 'each run has a session of its own')
    t.equal(requests.size, 1, 'and all of them the same request')
  })
  t.test('is not made where none was asked for', async (t) => {
    const answer = await hit('POST', '/commit-once')
    t.equal(answer.status, 409)
    t.equal(answer.json.code, 'DB_SESSION_SERIALIZATION')
    t.same(answer.seen, [])
  })
  t.test('of a handler that sends by itself', async (t) => {
    const answer = await hit('POST', '/commit-callback')
    t.equal(answer.status, 201)
    t.same(answer.seen, ['run 2'])
  })
  t.test('may redirect', async (t) => {
    const answer = await app.inject({ method: 'POST', url: '/commit-redirect' })
    t.equal(answer.statusCode, 302)
    t.equal(answer.headers.location, '/there')
  })
  t.test('may fail by itself', async (t) => {
    t.equal((await hit('POST', '/commit-then-error')).status, 418)
    t.equal((await hit('POST', '/commit-then-throw')).status, 500)
    t.equal((await hit('POST', '/commit-then-unserializable')).status, 500)
    t.same(await database.see('select email from users'), [])
  })
  for (const state of ['40001', '40P01']) {
    t.test(`comes after ${state} at a statement`, async (t) => {
      const answer = await hit('POST', `/statement?state=${state}&times=2`)
      t.equal(answer.status, 200)
      t.equal(answer.json.runs, 3)
      t.same(answer.seen, ['statement 2'])
      const given = await hit('POST', `/statement?state=${state}&times=3`)
      t.equal(given.status, 409, 'but no more often than asked for')
      t.equal(given.json.code, 'DB_SESSION_SERIALIZATION')
    })
  }
  t.test('does not come after another error', async (t) => {
    t.equal((await hit('POST', '/statement?state=22012&times=1')).status, 500)
    t.equal(runs, 1)
    t.equal((await hit('POST', '/sync')).status, 400)
    t.equal(runs, 1)
  })
  t.test('comes after an error that was swallowed', async (t) => {
    t.equal((await hit('POST', '/swallowed')).json.runs, 2)
  })
  t.test('is refused once something was stored early', async (t) => {
    const answer = await hit('POST', '/early')
    t.equal(answer.status, 409)
    t.same(answer.seen, ['early 1'])
  })
  t.test('is refused once the reply has begun', async (t) => {
    t.equal((await hit('POST', '/begun')).body, 'begun')
    t.equal(runs, 1)
  })
  t.test('is refused where the body is a stream that was read', async (t) => {
    const answer = await app.inject({
      method: 'POST',
      url: '/stream',
      headers: { 'content-type': 'application/stream' },
      payload: Readable.from(['x']),
    })
    t.equal(answer.statusCode, 409)
    t.equal(runs, 1)
  })
  t.equal(used(knex), 0)
})

t.test('an error of Postgres that leaves the handler has a status and no values', async (t) => {
  const { hit } = await start(t, database, (app) => {
    app.post<{ Querystring: { sql: string } }>('/', async (request) => request.db.raw(request.query.sql))
    app.post('/values', async (request) => {
      await request.db('users').insert({ email: 'secret' })
      await request.db('users').insert({ email: 'secret' })
    })
  })
  const sql = (text: string) => hit('POST', `/?sql=${encodeURIComponent(text)}`)
  t.match((await sql(fail('22012'))).json, { statusCode: 500, code: 'DB_SESSION_QUERY_FAILED' })
  t.match((await sql(fail('23514'))).json, { statusCode: 409, code: 'DB_SESSION_CONSTRAINT' })
  t.match((await sql('set local statement_timeout = 1; select pg_sleep(1)')).json, {
    statusCode: 503,
    code: 'DB_SESSION_STATEMENT_TIMEOUT',
  })
  const answer = await hit('POST', '/values')
  t.equal(answer.status, 409)
  t.notMatch(answer.body, /secret|insert/)
})
