/** When the COMMIT is sent, how it can end, and which response follows. */
import { once } from 'node:events'
import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { proxy } from './proxy.ts'
import { openDatabase, openKnex, rejection, start, until, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users, posts restart identity cascade'))

t.test('an early commit', async (t) => {
  const mails: string[] = []
  const refused: unknown[] = []
  const { hit, app, knex } = await start(t, database, (app) => {
    app.post('/twice', async (request) => {
      request.db.afterCommit(() => mails.push('first'))
      await request.db('users').insert({ email: 'first' })
      await request.db.commit()
      const seen = await database.see('select email from users')
      request.db.afterCommit(() => mails.push('second'))
      await request.db('users').insert({ email: 'second' })
      return seen
    })
    app.post('/then-fails', async (request, reply) => {
      request.db.afterCommit(() => mails.push('first'))
      await request.db('users').insert({ email: 'first' })
      await request.db.commit()
      request.db.afterCommit(() => mails.push('second'))
      await request.db('users').insert({ email: 'second' })
      return reply.code(401).send()
    })
    app.post('/fails', async (request, reply) => {
      request.db.afterCommit(() => mails.push('of a commit that failed'))
      await request.db('users').insert({ email: 'x', parent: 99 })
      await request.db.commit()
      return reply.code(201).send()
    })
    app.post('/swallowed', async (request, reply) => {
      request.db.afterCommit(() => mails.push('of a commit that failed'))
      await request.db('users').insert({ email: 'x', parent: 99 })
      await request.db.commit().catch(() => {})
      return reply.code(201).header('location', '/users/1').send({})
    })
    app.post('/swallowed-and-goes-on', async (request) => {
      await request.db('users').insert({ email: 'x', parent: 99 })
      await request.db.commit().catch(() => {})
      await request.db('users').insert({ email: 'y' })
      return {}
    })
    app.post('/after-a-failed-statement', async (request) => {
      await request.db('users').insert({ email: 'x' })
      await request.db.query('select 1/0').catch(() => {})
      const { code } = await rejection(request.db.commit())
      const usedAfterwards = used(knex)
      const later = await rejection(request.db('users').insert({ email: 'y' }) as never)
      refused.push(code, later.code, usedAfterwards)
      return {}
    })
    app.post('/twice-at-once', async ({ db }) => {
      await db('users').insert({ email: 'first' })
      const first = db.commit()
      db.afterCommit(() => mails.push('of the second'))
      const second = db.commit()
      db.afterCommit(() => mails.push('of a transaction that is rolled back'))
      await Promise.all([first, second])
      throw new Error('no')
    })
    app.post('/of-nothing', async (request) => {
      await request.db.commit()
      await request.db.commit()
      await request.db('users').insert({ email: 'x' })
      return {}
    })
  })
  t.beforeEach(() => void mails.splice(0))
  t.test('commit() commits the statements before it, and the response commits the rest', async (t) => {
    t.match(await hit('POST', '/twice'), { body: '["first"]', seen: ['first', 'second'] })
    await until(() => mails.length === 2)
    t.same(mails, ['first', 'second'], 'each with its functions for afterCommit')
  })
  t.test('a 401 after commit() does not roll back that commit', async (t) => {
    t.match(await hit('POST', '/then-fails'), { status: 401, seen: ['first'] })
    await until(() => mails.length > 0)
    t.same(mails, ['first'])
  })
  t.test('a commit() that fails makes the response a 409, even if its error is swallowed', async (t) => {
    for (const path of ['/fails', '/swallowed', '/swallowed-and-goes-on']) {
      const response = await hit('POST', path)
      t.match(response, { status: 409, json: { code: 'DB_SESSION_CONSTRAINT' }, seen: [] }, path)
      t.equal(response.headers.get('location'), null)
    }
    await app.unitOfWork(async (db) => void db.afterCommit(() => mails.push('after')))
    await until(() => mails.length > 0)
    t.same(mails, ['after'], 'no function of a failed commit runs')
  })
  t.test('commit() after a failed statement is rejected, and returns the connection', async (t) => {
    t.match(await hit('POST', '/after-a-failed-statement'), { status: 500, seen: [] })
    t.same(refused, ['DB_SESSION_TRANSACTION_FAILED', 'DB_SESSION_TRANSACTION_FAILED', 0])
  })
  t.test('a commit() during another one runs the functions that were registered before it', async (t) => {
    t.match(await hit('POST', '/twice-at-once'), { status: 500, seen: ['first'] })
    await app.unitOfWork(async (db) => void db.afterCommit(() => mails.push('after')))
    await until(() => mails.includes('after'))
    t.same(mails, ['of the second', 'after'])
  })
  t.test('commit() before any statement does nothing', async (t) => {
    t.match(await hit('POST', '/of-nothing'), { status: 200, seen: ['x'] })
  })
  t.test(
    'commit() in a unit of work commits the statements before it, even if the unit rolls back later',
    async (t) => {
      await t.rejects(
        app.unitOfWork(async (db) => {
          await db('users').insert({ email: 'kept' })
          await db.commit()
          await db('users').insert({ email: 'rolled back' })
          throw new Error('no')
        }),
      )
      const error = await rejection(
        app.unitOfWork(async (db) => {
          await db('users').insert({ email: 'x', parent: 99 })
          await db.commit().catch(() => {})
        }),
      )
      t.equal(error.code, 'DB_SESSION_CONSTRAINT')
      t.same(await database.see('select email from users'), ['kept'])
    },
  )
  t.equal(used(knex), 0)
})

t.test('a COMMIT that fails', async (t) => {
  await database.other.query(`
    create function at_commit() returns trigger language plpgsql as $$ begin
      if new.title = 'sleeps' then perform pg_sleep(600); end if;
      if new.title = 'fails' then raise exception using errcode = '22012'; end if;
      return null;
    end $$;
    create constraint trigger at_commit after insert on posts deferrable initially deferred
      for each row execute function at_commit()`)
  let runs = 0
  const mails: string[] = []
  const { hit, knex, base } = await start(
    t,
    database,
    (app) => {
      app.post<{ Params: { title: string } }>(
        '/posts/:title',
        { config: { db: { retry: 5 } } },
        async (request, reply) => {
          runs++
          request.db.afterCommit(() => mails.push('mail'))
          await request.db('posts').insert({ title: request.params.title })
          return reply.code(201).header('location', '/posts/1').header('set-cookie', 'a=1').send({})
        },
      )
    },
    { statementTimeoutMs: 0, seen: 'select title from posts' },
  )
  const committing = `select pid from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep' and query like '%COMMIT%'`
  const inCommit = async (): Promise<unknown> => {
    await until(async () => (await database.see(committing)).length === 1, 'a COMMIT under way')
    return (await database.see(committing))[0]
  }
  t.test('an error at the COMMIT becomes the error of the response', async (t) => {
    const response = await hit('POST', '/posts/fails')
    t.match(response, { status: 500, json: { code: 'DB_SESSION_QUERY_FAILED' }, seen: [] })
    t.same(
      ['location', 'set-cookie'].map((name) => response.headers.get(name)),
      [null, null],
    )
    const fine = await hit('POST', '/posts/fine')
    t.match(fine, { status: 201, seen: ['fine'] })
    t.equal(fine.headers.get('location'), '/posts/1')
  })
  t.test('if the backend is killed during the COMMIT, the outcome is unknown', async (t) => {
    runs = 0
    mails.length = 0
    const response = hit('POST', '/posts/sleeps')
    await database.other.query('select pg_terminate_backend($1)', [await inCommit()])
    t.match(await response, {
      status: 503,
      json: { code: 'DB_SESSION_COMMIT_OUTCOME_UNKNOWN' },
      seen: [],
    })
    t.equal((await response).headers.get('location'), null)
    t.same([runs, mails], [1, []], 'it is not retried')
    await until(() => used(knex) === 0)
    t.equal((await hit('POST', '/posts/fine')).status, 201, 'the next request succeeds')
  })
  t.test('a client that disconnects during the COMMIT does not cancel it', async (t) => {
    const controller = new AbortController()
    const response = fetch(`${base}/posts/sleeps`, { method: 'POST', signal: controller.signal })
    const pid = await inCommit()
    controller.abort()
    await t.rejects(response)
    t.equal(used(knex), 1, 'it may be committed already')
    await database.other.query('select pg_cancel_backend($1)', [pid])
    await until(() => used(knex) === 0)
    t.same(await database.see('select title from posts'), [])
    t.equal((await hit('POST', '/posts/fine')).status, 201)
  })
})

t.test('a COMMIT whose reply is lost', async (t) => {
  const between = await proxy(t, database.url)
  let runs = 0
  let mails = 0
  const { hit, knex, app } = await start(
    t,
    database,
    (app) => {
      app.post('/', { config: { db: { retry: 5 } } }, async (request, reply) => {
        runs++
        await request.db('users').insert({ email: 'x' })
        request.db.afterCommit(() => mails++)
        return reply.code(201).header('location', '/1').send({})
      })
    },
    { knex: openKnex(between.url, 2) },
  )
  t.beforeEach(() => {
    between.onMessage = (text) => (text.includes('COMMIT') ? 'cut' : 'pass')
    runs = mails = 0
  })
  t.test('a COMMIT whose reply is lost is never retried, although it may be committed', async (t) => {
    const response = await hit('POST', '/')
    t.match(response, { status: 503, json: { code: 'DB_SESSION_COMMIT_OUTCOME_UNKNOWN' } })
    t.equal(response.headers.get('location'), null)
    t.same([runs, mails, used(knex)], [1, 0, 0])
    await until(async () => (await database.see('select email from users')).length === 1, 'the row')
  })
  t.test('a unit of work whose COMMIT has no reply rejects with the unknown outcome', async (t) => {
    const error = await rejection(app.unitOfWork((db) => db('users').insert({ email: 'unit' })))
    t.equal(error.code, 'DB_SESSION_COMMIT_OUTCOME_UNKNOWN')
  })
  t.test('if the reply to the COMMIT arrives, the response is a 201', async (t) => {
    between.onMessage = () => 'pass'
    t.match(await hit('POST', '/'), { status: 201, seen: ['x'] })
    await until(() => mails === 1)
  })
})

/** Set by a hook before the handler. Fastify adds the handler's to the same array. */
const COOKIES = ['theme=dark', 'seen=1']

t.test('a constraint that is deferred to the COMMIT', async (t) => {
  let onErrors = 0
  let mails = 0
  const { hit, knex } = await start(t, database, (app) => {
    app.addHook('onError', async () => {
      onErrors++
    })
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('x-request', 'kept').header('set-cookie', COOKIES)
    })
    app.post<{ Querystring: { parent?: string } }>('/', async (request, reply) => {
      const { parent } = request.query
      await request.db('users').insert({ email: 'child', parent: parent ?? null })
      request.db.afterCommit(() => mails++)
      reply.header('set-cookie', 'session=1').header('location', '/users/1').header('x-handler', 'gone')
      reply.type('text/plain').serializer(() => 'created')
      return reply.code(201).send({ id: 1 })
    })
  })
  t.test(
    'a deferred constraint that fails at the COMMIT is a 409 without the headers of the 201',
    async (t) => {
      const response = await hit('POST', '/?parent=99')
      t.match(response, { status: 409, json: { code: 'DB_SESSION_CONSTRAINT' }, seen: [] })
      for (const name of ['location', 'x-handler']) t.equal(response.headers.get(name), null, name)
      t.equal(response.headers.get('x-request'), 'kept')
      t.same(response.headers.getSetCookie(), COOKIES)
      t.same([mails, onErrors], [0, 1])
    },
  )
  t.test('a deferred constraint that holds at the COMMIT is a 201 with its headers', async (t) => {
    const response = await hit('POST', '/')
    t.match(response, { status: 201, body: 'created', seen: ['child'] })
    t.equal(response.headers.get('location'), '/users/1')
    t.same(response.headers.getSetCookie(), [...COOKIES, 'session=1'])
    await until(() => mails === 1)
  })
  t.equal(used(knex), 0)
})

t.test('a COMMIT that fails sends no ROLLBACK, even if ReadyForQuery arrives after the error', async (t) => {
  const between = await proxy(t, database.url)
  const handler = async ({ db }: FastifyRequest) => {
    await db('users').insert({ email: 'child', parent: 99 })
    between.messages.length = 0
    between.delaysReady = true
  }
  const { hit } = await start(t, database, (app) => void app.post('/', handler), {
    knex: openKnex(between.url, 1),
  })
  t.match(await hit('POST', '/'), { status: 409, json: { code: 'DB_SESSION_CONSTRAINT' }, seen: [] })
  t.match(between.messages, [/COMMIT/])
  t.equal(between.messages.length, 1)
})

t.test('a transaction that a statement ended', async (t) => {
  const { hit, app, knex } = await start(t, database, (app) => {
    app.post<{ Querystring: { sql: string; status?: number } }>('/', async (request, reply) => {
      await request.db('users').insert({ email: 'before' })
      await request.db.raw(request.query.sql)
      return reply.code(request.query.status ?? 201).send({})
    })
    app.post<{ Querystring: { sql: string } }>('/goes-on', async (request) => {
      await request.db.raw(request.query.sql)
      await request.db('users').insert({ email: 'after' })
      return {}
    })
  })
  const sql = (text: string) => `sql=${encodeURIComponent(text)}`
  for (const [text, seen] of [
    ['COMMIT', ['before']],
    ['ROLLBACK', []],
    ['end', ['before']],
    ['abort', []],
    ['COMMIT AND CHAIN', ['before']],
    ['ROLLBACK AND CHAIN', []],
    ['commit; begin', ['before']],
    ['select 1; rollback; begin', []],
    ['rollback -- to be sure', []],
    ['savepoint x; rollback to x; rollback', []],
    ["prepare transaction 'x'", []],
  ] as const) {
    t.test(`${text} in a session is an error, and no statement is sent after it`, async (t) => {
      const response = await hit('POST', `/?${sql(text)}`)
      if (text.startsWith('prepare')) t.equal(response.status, 500)
      else t.match(response, { status: 500, json: { code: 'DB_SESSION_ENDED_BY_STATEMENT' } })
      t.same(response.seen, seen)
      t.equal((await hit('POST', `/goes-on?${sql(text)}`)).status, 500)
      t.notOk((await database.see('select email from users')).includes('after'))
      await until(() => used(knex) === 0)
    })
  }
  for (const text of [
    'savepoint x; select 1; rollback to savepoint x',
    'savepoint x; ROLLBACK WORK TO x; release x',
    'begin',
    "select 'rollback'",
    'lock table users in share mode',
  ]) {
    t.test(`${text} in a session does not end the transaction`, async (t) => {
      t.match(await hit('POST', `/?${sql(text)}`), { status: 201, seen: ['before'] })
      await database.other.query('truncate users cascade')
      t.match(await hit('POST', `/?${sql(text)}&status=400`), { status: 400, seen: [] })
    })
  }
  t.test('COMMIT through a row stream is an error', async (t) => {
    const error = await rejection(
      app.unitOfWork(async (db) => {
        await db('users').insert({ email: 'before' })
        await once(db.raw('COMMIT').stream().resume(), 'close')
      }),
    )
    t.equal(error.code, 'DB_SESSION_ENDED_BY_STATEMENT')
    await until(() => used(knex) === 0)
  })
  t.test('ROLLBACK in a savepoint is an error of the session', async (t) => {
    const error = await rejection(
      app.unitOfWork(async (db) => {
        await db.savepoint((inner) => inner.raw('ROLLBACK AND CHAIN')).catch(() => {})
        await db('users').insert({ email: 'after' })
      }),
    )
    t.equal(error.code, 'DB_SESSION_ENDED_BY_STATEMENT')
    t.same(await database.see('select email from users'), [])
    await until(() => used(knex) === 0)
  })
})
