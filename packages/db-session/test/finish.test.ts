import { createReadStream } from 'node:fs'
import { pipeline, Readable, Transform } from 'node:stream'
import t from 'tap'
import { openDatabase, start, until, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(async () => {
  await database.other.query('truncate users, posts restart identity')
})

t.test('an answer below 400', async (t) => {
  const { hit, knex, app } = await start(t, database, (app) => {
    app.post('/users', async (request, reply) => {
      await request.db('users').insert({ email: 'ada' })
      return reply.code(201).send({ ok: true })
    })
    app.post('/empty', async (request, reply) => {
      await request.db('users').insert({ email: 'empty' })
      return reply.code(204).send()
    })
    app.post('/nothing', async () => ({ ok: true }))
    app.post('/null', async (request) => {
      await request.db('users').insert({ email: 'null' })
      return null
    })
  })
  t.test('is stored when its head arrives', async (t) => {
    const answer = await hit('POST', '/users')
    t.equal(answer.status, 201)
    t.same(answer.seen, ['ada'])
  })
  t.test('is stored without a payload too', async (t) => {
    t.same((await hit('POST', '/empty')).seen, ['empty'])
    t.same((await hit('POST', '/null')).seen, ['empty', 'null'])
  })
  t.test('takes no connection where no query is made', async (t) => {
    const acquired: unknown[] = []
    knex.client.pool.on('acquireRequest', (id: unknown) => acquired.push(id))
    t.equal((await hit('POST', '/nothing')).status, 200)
    t.same(acquired, [])
    await hit('POST', '/users')
    t.equal(acquired.length, 1, 'and one where one is')
  })
  t.test('through inject', async (t) => {
    t.equal((await app.inject({ method: 'POST', url: '/users' })).statusCode, 201)
    t.same(await database.see('select email from users'), ['ada'])
  })
})

t.test('an answer of 400 and above is undone', async (t) => {
  const { hit } = await start(t, database, (app) => {
    app.post('/returned', async (request, reply) => {
      await request.db('users').insert({ email: 'x' })
      return reply.code(409).send({ no: true })
    })
    app.post('/thrown', async (request) => {
      await request.db('users').insert({ email: 'x' })
      throw Object.assign(new Error('no'), { statusCode: 418 })
    })
    app.post('/rollback-only', async (request) => {
      await request.db('users').insert({ email: 'x' })
      request.db.rollbackOnly()
      request.db.afterCommit(() => t.fail('nothing was stored'))
      return { fine: true }
    })
    app.post(
      '/serializer',
      {
        schema: {
          response: { 200: { type: 'object', required: ['a'], properties: { a: { type: 'string' } } } },
        },
      },
      async (request) => {
        await request.db('users').insert({ email: 'x' })
        return {} as never
      },
    )
    app.post('/early', async (request, reply) => {
      await request.db('users').insert({ email: 'early' })
      await request.db.commit()
      await request.db('users').insert({ email: 'late' })
      return reply.code(401).send()
    })
    app.post('/unit', async (request, reply) => {
      await request.db('users').insert({ email: 'session' })
      await app.unitOfWork(async (db) => db('users').insert({ email: 'unit' }))
      return reply.code(401).send()
    })
  })
  for (const [path, status] of [
    ['/returned', 409],
    ['/thrown', 418],
    ['/rollback-only', 200],
    ['/serializer', 500],
  ] as const) {
    t.test(path, async (t) => {
      const answer = await hit('POST', path)
      t.equal(answer.status, status)
      t.same(answer.seen, [])
    })
  }
  t.test('but for what an early commit stored', async (t) => {
    const answer = await hit('POST', '/early')
    t.equal(answer.status, 401)
    t.same(answer.seen, ['early'])
  })
  t.test('but for what a unit of work stored', async (t) => {
    const answer = await hit('POST', '/unit')
    t.equal(answer.status, 401)
    t.same(answer.seen, ['unit'])
  })
})

t.test('a COMMIT that fails', async (t) => {
  let mails = 0
  let onErrors = 0
  const { hit, knex } = await start(t, database, (app) => {
    app.addHook('onError', async () => {
      onErrors++
    })
    app.addHook('onRequest', async (_request, reply) => {
      reply.header('x-request', 'kept')
    })
    app.post<{ Querystring: { parent?: string } }>('/deferred', async (request, reply) => {
      const { parent } = request.query
      await request.db('users').insert({ email: 'child', parent: parent ?? null })
      request.db.afterCommit(() => mails++)
      reply.header('set-cookie', 'session=1').header('location', '/users/1').header('x-handler', 'gone')
      reply.type('text/plain').serializer(() => 'created')
      return reply.code(201).send({ id: 1 })
    })
    app.post<{ Querystring: { sql: string } }>('/swallowed', async (request, reply) => {
      await request.db('users').insert({ email: 'before' })
      await request.db.raw(request.query.sql).catch(() => {})
      request.db.afterCommit(() => mails++)
      return reply.code(201).header('location', '/users/1').send({ fine: true })
    })
    app.post('/by-hand', async (request) => {
      await request.db('users').insert({ email: 'by hand' })
      await request.db.raw('ROLLBACK')
      return { fine: true }
    })
  })
  t.test('becomes 409 without the headers of the success', async (t) => {
    const answer = await hit('POST', '/deferred?parent=99')
    t.equal(answer.status, 409)
    t.equal(answer.json.code, 'DB_SESSION_CONSTRAINT')
    t.same(answer.seen, [])
    for (const name of ['set-cookie', 'location', 'x-handler', 'trailer'])
      t.equal(answer.headers.get(name), null, name)
    t.equal(answer.headers.get('x-request'), 'kept')
    t.notMatch(answer.body, /99|Key|insert/)
    t.equal(mails, 0)
    t.equal(onErrors, 1)
  })
  t.test('leaves the success alone where it works', async (t) => {
    const answer = await hit('POST', '/deferred')
    t.equal(answer.status, 201)
    t.equal(answer.headers.get('location'), '/users/1')
    t.equal(answer.headers.get('set-cookie'), 'session=1')
    t.equal(answer.body, 'created')
    t.same(answer.seen, ['child'])
    await until(() => mails === 1)
  })
  t.test('becomes a 5xx after an error that was swallowed', async (t) => {
    const answer = await hit('POST', '/swallowed?sql=select%201/0')
    t.equal(answer.status, 500)
    t.equal(answer.json.code, 'DB_SESSION_TRANSACTION_FAILED')
    t.equal(answer.headers.get('location'), null)
    t.same(answer.seen, [])
  })
  t.test('becomes 409 where the swallowed error was a constraint', async (t) => {
    const answer = await hit('POST', "/swallowed?sql=insert%20into%20users%20(email)%20values%20('before')")
    t.equal(answer.status, 409)
    t.equal((await hit('POST', '/swallowed?sql=select%201')).status, 201, 'and nothing where there was none')
    await until(() => mails === 2)
  })
  t.test('is told where a statement ended the transaction by hand', async (t) => {
    const answer = await hit('POST', '/by-hand')
    t.equal(answer.status, 500)
    t.equal(answer.json.code, 'DB_SESSION_ENDED_BY_STATEMENT')
  })
  t.equal(used(knex), 0)
})

t.test('what was not awaited', async (t) => {
  const { hit, knex } = await start(t, database, (app) => {
    app.post('/query', async (request) => {
      await request.db('users').insert({ email: 'a' })
      request.db.raw('select pg_sleep(60)').catch(() => {})
      await new Promise((resolve) => setImmediate(resolve))
      return { fine: true }
    })
    app.post('/savepoint', async (request) => {
      await request.db('users').insert({ email: 'a' })
      request.db.savepoint(async () => new Promise(() => {})).catch(() => {})
      await new Promise((resolve) => setImmediate(resolve))
      return { fine: true }
    })
    app.post('/late', async (request) => {
      const { db } = request
      setImmediate(() =>
        db('users')
          .insert({ email: 'late' })
          .catch((error) => late.push(error.code)),
      )
      return { fine: true }
    })
  })
  const late: string[] = []
  for (const path of ['/query', '/savepoint']) {
    t.test(`${path} is a clear error and no half commit`, async (t) => {
      const answer = await hit('POST', path)
      t.equal(answer.status, 500)
      t.equal(answer.json.code, 'DB_SESSION_NOT_AWAITED')
      t.same(answer.seen, [])
      t.equal(used(knex), 0)
    })
  }
  t.test('after the answer is refused', async (t) => {
    t.same((await hit('POST', '/late')).seen, [])
    await until(() => late.length > 0)
    t.same(late, ['DB_SESSION_OVER'])
  })
})

t.test('streams', async (t) => {
  const rows = 'select g as id, repeat(chr(120), 2000) as text from generate_series(1, 900) g'
  const { hit, knex, base, log } = await start(t, database, (app) => {
    app.get('/rows', { config: { db: { mode: 'read' } } }, async (request, reply) =>
      reply.type('application/x-ndjson').send(lines(request.db.raw(rows).stream())),
    )
    app.get('/generated', { config: { db: { mode: 'read' } } }, async (request, reply) =>
      reply.type('text/plain').send(
        Readable.from(
          (async function* () {
            for (let i = 0; i < 3; i++)
              yield String((await request.db.select(request.db.raw('1 as one')).first())?.one)
          })(),
        ),
      ),
    )
    app.get('/fails', { config: { db: { mode: 'read' } } }, async (request, reply) => {
      await request.db.raw('select 1/0').catch(() => {})
      return reply.type('text/plain').send(Readable.from(['text']))
    })
    app.post('/rows', async (request) => {
      await request.db('users').insert({ email: 'with rows' })
      return lines(request.db.raw(rows).stream())
    })
    app.post('/rows-sync', (request, reply) => {
      reply.send(lines(request.db.raw(rows).stream()))
    })
    app.post('/file', async (request, reply) => {
      await request.db('users').insert({ email: 'with file' })
      return reply.type('text/plain').send(createReadStream(new URL(import.meta.url)))
    })
    app.post('/web', async (request, reply) => {
      await request.db('users').insert({ email: 'with web' })
      return reply.type('text/plain').send(new Response('web', { status: 201 }))
    })
    app.post('/web-error', async (request, reply) => {
      await request.db('users').insert({ email: 'with web error' })
      return reply.send(new Response('web', { status: 404 }))
    })
    app.post('/events', async (request, reply) => {
      await request.db('users').insert({ email: 'before the events' })
      await request.db.commit()
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': 'text/event-stream' })
      reply.raw.end('data: 1\n\n')
    })
    app.post('/hijacked', async (request, reply) => {
      await request.db('users').insert({ email: 'hijacked' })
      reply.hijack()
      reply.raw.end('done')
    })
  })
  t.test('900 rows, complete, without a deadlock or a slot left', async (t) => {
    const answer = await hit('GET', '/rows')
    t.equal(answer.body.trim().split('\n').length, 900)
    await until(() => used(knex) === 0)
  })
  t.test('900 rows, aborted', async (t) => {
    const controller = new AbortController()
    const answer = await fetch(`${base}/rows`, { signal: controller.signal })
    await answer.body?.getReader().read()
    t.equal(used(knex), 1)
    controller.abort()
    await until(() => used(knex) === 0)
    t.equal((await hit('GET', '/rows')).status, 200)
    await until(() => used(knex) === 0)
  })
  t.test('a session of mode read lasts as long as the stream', async (t) => {
    t.equal((await hit('GET', '/generated')).body, '111')
    await until(() => used(knex) === 0)
  })
  t.test('a session that cannot be committed after its stream is told in the log', async (t) => {
    t.equal((await hit('GET', '/fails')).body, 'text')
    await until(() => log.some((line) => /could not be committed/.test(String(line.msg))))
    t.equal(used(knex), 0)
  })
  t.test('rows out of a session that may write are refused', async (t) => {
    for (const path of ['/rows', '/rows-sync']) {
      const answer = await hit('POST', path)
      t.equal(answer.status, 500)
      t.equal(answer.json.code, 'DB_SESSION_STREAM_OPEN')
      t.same(answer.seen, [])
      t.equal(used(knex), 0)
    }
  })
  t.test('another stream comes after the commit', async (t) => {
    const answer = await hit('POST', '/file')
    t.match(answer.body, /another stream comes after/)
    t.same(answer.seen, ['with file'])
    t.same((await hit('POST', '/web')).seen, ['with file', 'with web'])
    t.same((await hit('POST', '/web-error')).seen, ['with file', 'with web'])
  })
  t.test('an event stream after an early commit', async (t) => {
    const answer = await hit('POST', '/events')
    t.equal(answer.body, 'data: 1\n\n')
    t.same(answer.seen, ['before the events'])
  })
  t.test('a hijacked reply that did not commit is undone and told', async (t) => {
    const answer = await hit('POST', '/hijacked')
    t.equal(answer.body, 'done')
    await until(() => used(knex) === 0)
    t.notOk((await database.see('select email from users')).includes('hijacked'))
    await until(() => log.some((line) => /hijacked reply ended before/.test(String(line.msg))))
  })
})

/** Rows as lines of JSON; an error of theirs ends it. */
function lines(rows: NodeJS.ReadableStream): Transform {
  const text = new Transform({
    writableObjectMode: true,
    transform: (row, _encoding, done) => done(null, `${JSON.stringify(row)}\n`),
  })
  return pipeline(rows, text, () => {})
}
