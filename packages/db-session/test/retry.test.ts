/** Handlers that run again: the effects of hooks are kept, and nothing of the first run gets into the second. */
import multipart from '@fastify/multipart'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import t from 'tap'
import type { DbSession } from '../src/index.ts'
import { openDatabase, raise, start, until, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users restart identity cascade'))

const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => unhandled.push(reason))

await database.other.query(`
  create function fail_at_commit() returns trigger language plpgsql as
  $$ begin if new.email = 'fails at COMMIT' then raise exception using errcode = '40001'; end if; return null; end $$;
  create constraint trigger at_commit after insert on users deferrable initially deferred
  for each row execute function fail_at_commit()`)

const add = (db: DbSession, email: string) => db('users').insert({ email })
const serve = (t: Parameters<typeof start>[0], routes: (app: FastifyInstance) => void | Promise<void>) =>
  start(t, database, routes, { sleep: async () => {} })

/** Each way in which a hook uses the session of the request. */
const uses: Record<string, (request: FastifyRequest) => unknown> = {
  'a statement of knex': ({ db }) => add(db, 'hook'),
  'a statement of query()': ({ db }) => db.query("insert into users (email) values ('hook')"),
  'a setting of the transaction': ({ db }) => db.query("select set_config('app.tenant', '7', true)"),
  'SET LOCAL': ({ db }) => db.raw("set local app.tenant = '7'"),
  'afterCommit()': ({ db }) => db.afterCommit(() => {}),
  'rollbackOnly()': ({ db }) => db.rollbackOnly(),
  'a savepoint': ({ db }) => db.savepoint((savepoint) => add(savepoint, 'hook')),
  'a unit of work of the session': ({ db }) => db.unitOfWork((unit) => unit.query('select 1')),
  'a row stream': async ({ db }) => {
    for await (const _ of db.raw('select generate_series(1, 3)').stream()) break
  },
  'an early commit()': async ({ db }) => {
    await add(db, 'hook')
    await db.commit()
  },
}

t.test('a hook that used the session', async (t) => {
  let runs = 0
  const { hit, knex } = await serve(t, (app) => {
    for (const [index, use] of Object.values(uses).entries()) {
      for (const hook of ['onRequest', 'preHandler'] as const) {
        const hooks = { [hook]: async (request: FastifyRequest) => void (await use(request)) }
        app.post(
          `/statement/${hook}/${index}`,
          { config: { db: { retry: 3 } }, ...hooks },
          async ({ db }) => {
            runs++
            await add(db, 'handler')
            if (runs === 1) await db.query(raise('40001'))
            return {}
          },
        )
        app.post(`/commit/${hook}/${index}`, { config: { db: { retry: 3 } }, ...hooks }, async ({ db }) => {
          runs++
          await add(db, runs === 1 ? 'fails at COMMIT' : 'handler')
          return {}
        })
      }
    }
  })
  for (const [index, title] of Object.keys(uses).entries()) {
    t.test(`a route is not retried if a hook used its session for ${title}`, async (t) => {
      for (const hook of ['onRequest', 'preHandler']) {
        for (const when of ['statement', 'commit']) {
          if (title === 'rollbackOnly()' && when === 'commit') continue
          runs = 0
          await database.other.query('truncate users cascade')
          const response = await hit('POST', `/${when}/${hook}/${index}`)
          t.match(
            response,
            { status: 409, json: { code: 'DB_SESSION_SERIALIZATION' } },
            `${hook}, at the ${when}: ${response.body}`,
          )
          t.equal(runs, 1)
          t.same(response.seen, title === 'an early commit()' ? ['hook'] : [])
        }
      }
    })
  }
  t.equal(used(knex), 0)
})

t.test('a route is retried if its hooks did not use the session, or used a unit of work', async (t) => {
  let runs = 0
  const { hit } = await serve(t, (app) => {
    app.addHook('onRequest', async (request) => {
      runs = 0
      request.log.debug('nothing of the database')
    })
    app.post(
      '/',
      {
        config: { db: { retry: 3 } },
        preHandler: async () => {
          await app.unitOfWork((db) => add(db, 'unit'))
        },
      },
      async ({ db }) => {
        await add(db, `run ${++runs}`)
        if (runs < 3) await db.query(raise('40P01'))
        return { runs }
      },
    )
  })
  t.match(await hit('POST', '/'), { status: 200, json: { runs: 3 }, seen: ['unit', 'run 3'] })
})

t.test('a hook after the handler shares the session of the last run', async (t) => {
  let runs = 0
  const { hit } = await serve(t, (app) => {
    app.post(
      '/',
      {
        config: { db: { retry: 3 } },
        preSerialization: async (request, _reply, payload) => {
          await add(request.db, 'hook')
          return payload
        },
      },
      async ({ db }) => {
        await add(db, `run ${++runs}`)
        if (runs === 1) await db.query(raise('40001'))
        return { runs }
      },
    )
  })
  t.match(await hit('POST', '/'), { status: 200, json: { runs: 2 }, seen: ['run 2', 'hook'] })
})

t.test('a setting that the option `begin` sends is present in every run', async (t) => {
  const tenants: string[] = []
  let runs = 0
  const { hit } = await start(
    t,
    database,
    (app) => {
      app.post('/', { config: { db: { retry: 3 } } }, async ({ db }) => {
        tenants.push((await db.query("select current_setting('app.tenant', true) as tenant")).rows[0].tenant)
        if (++runs < 3) await db.query(raise('40001'))
        return {}
      })
    },
    {
      sleep: async () => {},
      begin: (request: FastifyRequest | undefined) => ({
        text: "select set_config('app.tenant', $1, true)",
        values: [String(request?.headers['x-tenant'] ?? 7)],
      }),
    } as never,
  )
  t.equal((await hit('POST', '/')).status, 200)
  t.same(tenants, ['7', '7', '7'])
})

/** Objects that code of the first run may have kept. Each tries to write when the second run has begun. */
const leftovers: Record<
  string,
  (request: FastifyRequest, reply: FastifyReply) => (() => Promise<unknown>) | Promise<() => unknown>
> = {
  'the request': (request) => async () => add(request.db, 'leftover'),
  'the request of the reply': (_request, reply) => async () => add(reply.request.db, 'leftover'),
  'the reply of a chained call': (_request, reply) => {
    const chained = reply.code(201)
    return async () => add(chained.request.db, 'leftover')
  },
  'request.db':
    ({ db }) =>
    async () =>
      add(db, 'leftover'),
  'a getter of another plugin': (request) => async () =>
    add((request as never as { store: DbSession }).store, 'leftover'),
  'query()': ({ db }) => {
    const query = db.query.bind(db)
    return async () => query("insert into users (email) values ('leftover')")
  },
  'a builder': ({ db }) => {
    const builder = add(db, 'leftover')
    return async () => builder
  },
  'a prepared raw()': ({ db }) => {
    const raw = db.raw("insert into users (email) values ('leftover')")
    return async () => raw
  },
  'a prepared row stream':
    ({ db }) =>
    async () => {
      for await (const _ of db.raw("insert into users (email) values ('leftover') returning id").stream());
    },
  'a savepoint': (request) => async () => request.db.savepoint((savepoint) => add(savepoint, 'leftover')),
  'a transaction()':
    ({ db }) =>
    async () =>
      db.transaction((trx) => trx('users').insert({ email: 'leftover' })),
  'a unit of work': (request) => async () => request.db.unitOfWork((unit) => add(unit, 'leftover')),
  'commit()':
    ({ db }) =>
    async () =>
      db.commit(),
  'the session of a savepoint': async ({ db }) => {
    let saved: DbSession | undefined
    await db.savepoint(async (savepoint) => {
      saved = savepoint
      await savepoint.query('select 1')
    })
    return () => add(saved as DbSession, 'leftover')
  },
}

t.test('code of the first run that goes on in the second one', async (t) => {
  for (const when of ['statement', 'COMMIT'] as const) {
    let runs = 0
    const late: { code?: string }[] = []
    const { hit, knex } = await serve(t, (app) => {
      const getter = function (this: FastifyRequest) {
        return this.db
      }
      app.decorateRequest('store', { getter } as never)
      for (const [index, keep] of Object.values(leftovers).entries()) {
        let begun = () => {}
        app.post(`/${index}`, { config: { db: { retry: 1 } } }, async (request, reply) => {
          if (++runs === 1) {
            const write = await keep(request, reply)
            const second = new Promise<void>((resolve) => {
              begun = resolve
            })
            second.then(write).then(
              () => {
                late.push({ code: 'none' })
              },
              (error) => {
                late.push(error)
              },
            )
            await add(request.db, when === 'COMMIT' ? 'fails at COMMIT' : 'run 1')
            if (when === 'statement') await request.db.query(raise('40001'))
            return {}
          }
          await add(request.db, 'run 2')
          begun()
          await until(() => late.length > 0, 'the end of the code that is left over')
          await request.db.query('select 1')
          return reply.code(201).send({})
        })
      }
    })
    for (const [index, title] of Object.keys(leftovers).entries()) {
      t.test(`${title} of a run that failed at its ${when} is rejected in the second run`, async (t) => {
        runs = 0
        late.length = 0
        const response = await hit('POST', `/${index}`)
        t.match(response, { status: 201, seen: ['run 2'] }, response.body)
        t.equal(late[0]?.code, 'DB_SESSION_OVER')
        t.equal(used(knex), 0)
      })
    }
  }
})

t.test('code that goes on after its Promise.all has rejected writes into neither run', async (t) => {
  let runs = 0
  const { hit } = await serve(t, (app) => {
    app.post('/', { config: { db: { retry: 2 } } }, async (request, reply) => {
      const run = ++runs
      const loop = async () => {
        for (let i = 0; i < 10; i++) await add(request.db, `run ${run}, row ${i}`)
      }
      const fail = async () => {
        await request.db.query('select 1')
        if (run === 1) await request.db.query(raise('40001'))
      }
      await Promise.all([loop(), fail()])
      return reply.code(201).send({})
    })
  })
  const response = await hit('POST', '/')
  t.equal(response.status, 201)
  t.same(
    response.seen,
    Array.from({ length: 10 }, (_, i) => `run 2, row ${i}`),
  )
})

t.test('a redirect after a conflict has the status of the last run', async (t) => {
  const runs = new Map<string, number>()
  const { base } = await serve(t, (app) => {
    for (const failsAt of ['statement', 'commit', 'redirect']) {
      app.post(`/${failsAt}`, { config: { db: { retry: 1 } } }, async ({ db }, reply) => {
        const run = (runs.get(failsAt) ?? 0) + 1
        runs.set(failsAt, run)
        await add(db, run === 1 && failsAt !== 'statement' ? 'fails at COMMIT' : failsAt)
        if (run === 1 && failsAt === 'redirect') return reply.redirect('/first', 303)
        if (run === 1) reply.code(201)
        if (run === 1 && failsAt === 'statement') await db.query(raise('40001'))
        return run === 1 ? {} : reply.redirect('/second')
      })
    }
  })
  for (const failsAt of ['statement', 'commit', 'redirect']) {
    const response = await fetch(`${base}/${failsAt}`, { method: 'POST', redirect: 'manual' })
    t.equal(response.status, 302)
    t.equal(response.headers.get('location'), '/second')
    t.equal(runs.get(failsAt), 2)
  }
  t.same(await database.see('select email from users order by id'), ['statement', 'commit', 'redirect'])
})

t.test('a request of a route with `retry` has the same members as any other', async (t) => {
  const seen: Record<string, unknown> = {}
  const { hit } = await serve(t, (app) => {
    app.decorateRequest('user', '')
    app.decorateRequest('shout', function (this: FastifyRequest) {
      return this.url.toUpperCase()
    } as never)
    app.post<{ Params: { id: string }; Querystring: { q: string }; Body: { a: number } }>(
      '/thing/:id',
      {
        config: { db: { retry: 1 } },
        onSend: async (request, _reply, payload) => {
          seen.user = (request as unknown as { user: string }).user
          return payload
        },
      },
      async function (request, reply) {
        const own = request as typeof request & { user: string; shout(): string }
        own.user = 'ada'
        return {
          id: own.params.id,
          q: own.query.q,
          a: own.body.a,
          shout: own.shout(),
          host: typeof own.hostname,
          same: reply.request.id === own.id && own.server === this && own.raw === reply.request.raw,
          route: own.routeOptions.url,
          aborted: own.signal?.aborted ?? false,
          log: typeof own.log.info,
          user: own.user,
          mode: own.db.mode,
        }
      },
    )
  })
  t.match(await hit('POST', '/thing/5?q=x', { a: 1 }), {
    status: 200,
    json: {
      id: '5',
      q: 'x',
      a: 1,
      shout: '/THING/5?Q=X',
      host: 'string',
      same: true,
      route: '/thing/:id',
      aborted: false,
      log: 'function',
      user: 'ada',
      mode: 'write',
    },
  })
  t.same(seen, { user: 'ada' })
})

t.test('a body that cannot be read again', async (t) => {
  let runs = 0
  const { base, hit, knex } = await serve(t, async (app) => {
    await app.register(multipart)
    app.addHook('onRequest', async () => {
      runs = 0
    })
    // Fastify passes the body on unread
    app.addContentTypeParser('application/unread', (_request, _payload, done) => done(null))
    app.addContentTypeParser('application/stream', (_request, payload, done) => done(null, payload))
    app.addContentTypeParser('application/buffer', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    )
    const handle =
      (read: (request: FastifyRequest) => Promise<string>) => async (request: FastifyRequest) => {
        runs++
        const text = await read(request)
        await add(request.db, text)
        if (runs === 1) await request.db.query(raise('40001'))
        return { text }
      }
    const config = { db: { retry: 3 } }
    const collect = async (stream: AsyncIterable<Buffer>) => {
      let text = ''
      for await (const chunk of stream) text += chunk
      return text
    }
    app.post(
      '/file',
      { config },
      handle(async (request) => ((await request.file())?.toBuffer() ?? '').toString()),
    )
    app.post(
      '/parts',
      { config },
      handle(async (request) => {
        let text = ''
        for await (const part of request.parts())
          text += part.type === 'file' ? await part.toBuffer() : part.value
        return text
      }),
    )
    app.post(
      '/unread',
      { config },
      handle((request) => collect(request.raw)),
    )
    app.post(
      '/stream',
      { config },
      handle((request) => collect(request.body as AsyncIterable<Buffer>)),
    )
    app.post(
      '/text',
      { config },
      handle(async (request) => String(request.body)),
    )
    app.get(
      '/none',
      { config },
      handle(async () => 'none'),
    )
  })
  const post = async (path: string, body: FormData | string, type?: string) => {
    const response = await fetch(base + path, {
      method: 'POST',
      body,
      ...(type && { headers: { 'content-type': type } }),
    })
    const { code } = JSON.parse(await response.text())
    return { status: response.status, code, runs, stored: await database.see('select email from users') }
  }
  const form = () => {
    const form = new FormData()
    form.append('field', 'value')
    form.append('file', new Blob(['content']), 'file.txt')
    return form
  }
  const once = { status: 409, code: 'DB_SESSION_SERIALIZATION', runs: 1, stored: [] }
  t.same(await post('/file', form()), once, 'a file of @fastify/multipart')
  t.same(await post('/parts', form()), once, 'the parts of @fastify/multipart')
  t.same(await post('/unread', 'text', 'application/unread'), once, 'a body that Fastify has not read')
  t.same(await post('/stream', 'text', 'application/stream'), once, 'a body that is a stream')
  const twice = { status: 200, code: undefined, runs: 2 }
  t.same(await post('/text', 'text', 'text/plain'), { ...twice, stored: ['text'] }, 'a text is run again')
  await database.other.query('truncate users cascade')
  t.same(
    await post('/text', 'buffer', 'application/buffer'),
    { ...twice, stored: ['buffer'] },
    'and a Buffer',
  )
  await database.other.query('truncate users cascade')
  t.match(await hit('GET', '/none'), { status: 200, seen: ['none'] }, 'a request without a body')
  t.equal(used(knex), 0)
})

t.test('a conflict that outlasts its retries is a 409, even if the error is swallowed', async (t) => {
  let runs = 0
  const { hit } = await serve(t, (app) => {
    app.post<{ Querystring: { swallow?: string } }>(
      '/',
      { config: { db: { retry: 2 } } },
      async (request) => {
        runs++
        await add(request.db, 'x')
        const failing = request.db.query(raise('40001'))
        await (request.query.swallow ? failing.catch(() => {}) : failing)
        return {}
      },
    )
  })
  for (const path of ['/', '/?swallow=1']) {
    runs = 0
    t.match(
      await hit('POST', path),
      { status: 409, json: { code: 'DB_SESSION_SERIALIZATION' }, seen: [] },
      path,
    )
    t.equal(runs, 3)
  }
})

t.test('two requests that deadlock both succeed', async (t) => {
  await database.other.query("insert into users (email) values ('a'), ('b')")
  let waiting = 0
  const { base } = await serve(t, (app) => {
    app.post<{ Querystring: { first: string; second: string } }>(
      '/',
      { config: { db: { retry: 5 } } },
      async ({ db, query }, reply) => {
        await db.query("set local deadlock_timeout = '20ms'")
        await db('users').where({ email: query.first }).update({ parent: 1 })
        waiting++
        await until(() => waiting >= 2)
        await db('users').where({ email: query.second }).update({ parent: 1 })
        return reply.code(201).send({})
      },
    )
  })
  const statuses = await Promise.all(
    ['first=a&second=b', 'first=b&second=a'].map(
      async (query) => (await fetch(`${base}/?${query}`, { method: 'POST' })).status,
    ),
  )
  t.same(statuses, [201, 201])
})

t.test('every promise that rejected in the tests above had a handler', async (t) => {
  await new Promise((resolve) => setImmediate(resolve))
  t.same(unhandled, [])
})
