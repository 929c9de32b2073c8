/** When the COMMIT comes, what it comes to, and what an answer says of it. */
import { once } from 'node:events'
import t from 'tap'
import { proxy } from './proxy.ts'
import { openDatabase, openKnex, rejection, start, until, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users, posts restart identity cascade'))

t.test('an early commit', async (t) => {
  const mails: string[] = []
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
    app.post('/of-nothing', async (request) => {
      await request.db.commit()
      await request.db.commit()
      await request.db('users').insert({ email: 'x' })
      return {}
    })
    app.post('/not-awaited', async (request) => {
      await request.db('users').insert({ email: 'x' })
      request.db.raw('select pg_sleep(600)').catch(() => {})
      await new Promise((resolve) => setImmediate(resolve))
      await request.db.commit()
      return {}
    })
  })
  t.beforeEach(() => void mails.splice(0))
  t.test('stores what there is, and what comes after it is stored with the answer', async (t) => {
    t.match(await hit('POST', '/twice'), { body: '["first"]', seen: ['first', 'second'] })
    await until(() => mails.length === 2)
    t.same(mails, ['first', 'second'], 'each with its work after the commit')
  })
  t.test('stands whatever comes after it', async (t) => {
    t.match(await hit('POST', '/then-fails'), { status: 401, seen: ['first'] })
    await until(() => mails.length > 0)
    t.same(mails, ['first'])
  })
  t.test('that fails is the error of the answer', async (t) => {
    for (const path of ['/fails', '/swallowed', '/swallowed-and-goes-on']) {
      const answer = await hit('POST', path)
      t.match(answer, { status: 409, json: { code: 'DB_SESSION_CONSTRAINT' }, seen: [] }, path)
      t.equal(answer.headers.get('location'), null)
    }
    await app.unitOfWork(async (db) => void db.afterCommit(() => mails.push('after')))
    await until(() => mails.length > 0)
    t.same(mails, ['after'], 'and its work after the commit does not run')
  })
  t.test('of nothing is nothing', async (t) => {
    t.match(await hit('POST', '/of-nothing'), { status: 200, seen: ['x'] })
  })
  t.test('while a statement is under way is an error', async (t) => {
    const answer = await hit('POST', '/not-awaited')
    t.match(answer, { status: 500, json: { code: 'DB_SESSION_NOT_AWAITED' }, seen: [] })
  })
  t.test('in a unit of work', async (t) => {
    await t.rejects(
      app.unitOfWork(async (db) => {
        await db('users').insert({ email: 'kept' })
        await db.commit()
        await db('users').insert({ email: 'undone' })
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
  })
  t.equal(used(knex), 0)
})

t.test('what is not known until COMMIT', async (t) => {
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
  t.test('is an error of the answer, whatever it is', async (t) => {
    const answer = await hit('POST', '/posts/fails')
    t.match(answer, { status: 500, json: { code: 'DB_SESSION_QUERY_FAILED' }, seen: [] })
    t.same(
      ['location', 'set-cookie'].map((name) => answer.headers.get(name)),
      [null, null],
    )
    const fine = await hit('POST', '/posts/fine')
    t.match(fine, { status: 201, seen: ['fine'] })
    t.equal(fine.headers.get('location'), '/posts/1')
  })
  t.test('is unknown where the backend is killed in it', async (t) => {
    runs = 0
    mails.length = 0
    const answer = hit('POST', '/posts/sleeps')
    await database.other.query('select pg_terminate_backend($1)', [await inCommit()])
    t.match(await answer, {
      status: 503,
      json: { code: 'DB_SESSION_COMMIT_OUTCOME_UNKNOWN' },
      seen: [],
    })
    t.equal((await answer).headers.get('location'), null)
    t.same([runs, mails], [1, []], 'and not tried again')
    await until(() => used(knex) === 0)
    t.equal((await hit('POST', '/posts/fine')).status, 201, 'service goes on')
  })
  t.test('is not given up where the client goes away in it', async (t) => {
    const controller = new AbortController()
    const answer = fetch(`${base}/posts/sleeps`, { method: 'POST', signal: controller.signal })
    const pid = await inCommit()
    controller.abort()
    await t.rejects(answer)
    t.equal(used(knex), 1, 'it may be stored already')
    await database.other.query('select pg_cancel_backend($1)', [pid])
    await until(() => used(knex) === 0)
    t.same(await database.see('select title from posts'), [])
    t.equal((await hit('POST', '/posts/fine')).status, 201)
  })
})

t.test('a COMMIT whose answer is lost may have been one', async (t) => {
  const between = await proxy(t, database.url)
  const { hit } = await start(
    t,
    database,
    (app) => {
      app.post('/', async (request) => {
        await request.db('users').insert({ email: 'x' })
        return {}
      })
    },
    { knex: openKnex(between.url, 1) },
  )
  between.onMessage = (text) => (text.includes('COMMIT') ? 'cut' : 'pass')
  const answer = await hit('POST', '/')
  t.match(answer, { status: 503, json: { code: 'DB_SESSION_COMMIT_OUTCOME_UNKNOWN' } })
  await until(async () => (await database.see('select email from users')).length === 1, 'the row')
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
    ["prepare transaction 'x'", []],
  ] as const) {
    t.test(`${text}: is an error, since the answer could be untrue`, async (t) => {
      const answer = await hit('POST', `/?${sql(text)}`)
      if (text.startsWith('prepare')) t.equal(answer.status, 500)
      else t.match(answer, { status: 500, json: { code: 'DB_SESSION_ENDED_BY_STATEMENT' } })
      t.same(answer.seen, seen)
      t.equal((await hit('POST', `/goes-on?${sql(text)}`)).status, 500)
      t.notOk((await database.see('select email from users')).includes('after'), 'nothing comes after it')
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
    t.test(`${text}: ends nothing`, async (t) => {
      t.match(await hit('POST', `/?${sql(text)}`), { status: 201, seen: ['before'] })
      await database.other.query('truncate users cascade')
      t.match(await hit('POST', `/?${sql(text)}&status=400`), { status: 400, seen: [] })
    })
  }
  t.test('through a cursor', async (t) => {
    const error = await rejection(
      app.unitOfWork(async (db) => {
        await db('users').insert({ email: 'before' })
        await once(db.raw('COMMIT').stream().resume(), 'close')
      }),
    )
    t.equal(error.code, 'DB_SESSION_ENDED_BY_STATEMENT')
    await until(() => used(knex) === 0)
  })
  t.test('in a savepoint', async (t) => {
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
