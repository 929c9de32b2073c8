/** Neither responses nor error messages contain SQL or values, and the application's own errors stay unchanged. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Model } from 'objection'
import t from 'tap'
import type { DbSession, DbSessionOptions } from '../src/index.ts'
import { openDatabase, openKnex, raise, rejection, send, start, until } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users, posts restart identity cascade'))

const SECRET = 'hunter2'
/** Text that a message must not contain: an SQL clause, a placeholder, the name of a table, the value. */
const LEAK =
  /hunter2|"users"|\busers\b|\bposts\b|\$\d|select\s|insert into|update "|delete from|begin;|where /i
class User extends Model {
  static override tableName = 'users'
}

const clean = (t: { notMatch: typeof import('tap').default.notMatch }, text: unknown, name: string) =>
  t.notMatch(String(text), LEAK, name)

type Case = [code: string, handler: (request: FastifyRequest, app: FastifyInstance) => unknown]
const cases: Record<string, Case> = {
  'a broken constraint, by knex': [
    'DB_SESSION_CONSTRAINT',
    async ({ db }) => {
      await db('users').insert({ email: SECRET })
      await db('users').insert({ email: SECRET })
    },
  ],
  'a broken constraint, by query()': [
    'DB_SESSION_CONSTRAINT',
    async ({ db }) => {
      const insert = 'insert into users (email) values ($1)'
      await db.query(insert, [SECRET])
      await db.query(insert, [SECRET])
    },
  ],
  'a broken constraint, by Objection': [
    'DB_SESSION_CONSTRAINT',
    ({ db }) => User.query(db).insertGraph([{ email: SECRET }, { email: SECRET }] as never),
  ],
  'a broken constraint at the COMMIT': [
    'DB_SESSION_CONSTRAINT',
    ({ db }) => db('users').insert({ email: SECRET, parent: 99 }),
  ],
  'a value of the wrong type': ['DB_SESSION_QUERY_FAILED', ({ db }) => db('users').where({ id: SECRET })],
  'a value of the wrong type, by query()': [
    'DB_SESSION_QUERY_FAILED',
    ({ db }) => db.query('select * from users where id = $1', [SECRET]),
  ],
  'a column that does not exist': [
    'DB_SESSION_QUERY_FAILED',
    ({ db }) => db('users').where({ nothing: SECRET }),
  ],
  'an exception with a message of its own': [
    'DB_SESSION_QUERY_FAILED',
    ({ db }) => db.raw(`do $$ begin raise exception 'row of ${SECRET}'; end $$`),
  ],
  'an exception with a SQLSTATE of its own': [
    'DB_SESSION_QUERY_FAILED',
    ({ db }) => db.raw(`do $$ begin raise exception 'row of ${SECRET}' using errcode = 'AP001'; end $$`),
  ],
  'a value that pg cannot send': [
    '',
    ({ db }) => {
      const circular: Record<string, unknown> = { [SECRET]: SECRET }
      circular.self = circular
      return db('users').insert({ email: circular })
    },
  ],
  'a write in mode read': [
    'DB_SESSION_READ_ONLY',
    ({ db }) => db.savepoint((read) => read.raw('insert into users (email) values (?)', [SECRET])),
  ],
  'a conflict': ['DB_SESSION_SERIALIZATION', ({ db }) => db.raw(raise('40001'))],
  'a statement that takes too long': [
    'DB_SESSION_STATEMENT_TIMEOUT',
    async ({ db }) => {
      await db.query("set local statement_timeout = '20ms'")
      await db('users').select(db.raw('pg_sleep(60)')).from(db.raw("(values ('hunter2')) as v"))
    },
  ],
  'a statement after one whose error was caught': [
    'DB_SESSION_TRANSACTION_FAILED',
    async ({ db }) => {
      await db.raw('select 1/0').catch(() => {})
      await db('users').where({ email: SECRET })
    },
  ],
  'an error that was caught': [
    'DB_SESSION_TRANSACTION_FAILED',
    ({ db }) =>
      db('users')
        .where({ id: SECRET })
        .catch(() => {}),
  ],
  'a statement after a COMMIT by hand': [
    'DB_SESSION_ENDED_BY_STATEMENT',
    async ({ db }) => {
      await db('users').insert({ email: 'x' })
      await db.raw('commit').catch(() => {})
      await db('users').where({ email: SECRET })
    },
  ],
  'a statement that was not awaited': [
    'DB_SESSION_NOT_AWAITED',
    async ({ db }) => {
      db('users')
        .select(db.raw('pg_sleep(60)'))
        .from(db.raw("(values ('hunter2')) as v"))
        .catch(() => {})
      await new Promise((resolve) => setImmediate(resolve))
    },
  ],
  'a second savepoint': [
    'DB_SESSION_SAVEPOINT_OPEN',
    ({ db }) =>
      db.savepoint((savepoint) =>
        Promise.all([db('users').where({ email: SECRET }), savepoint.raw('select 1')]),
      ),
  ],
  'a statement of a savepoint that is over': [
    'DB_SESSION_OVER',
    async ({ db }) => {
      let saved: DbSession | undefined
      await db.savepoint(async (savepoint) => {
        saved = savepoint
      })
      await saved?.('users').where({ email: SECRET })
    },
  ],
  'a full pool, by knex': ['DB_SESSION_POOL_EXHAUSTED', ({ db }) => db('users').where({ email: SECRET })],
  'a full pool, by query()': [
    'DB_SESSION_POOL_EXHAUSTED',
    ({ db }) => db.query('select * from users where email = $1', [SECRET]),
  ],
  'a full pool, by a row stream': [
    'DB_SESSION_POOL_EXHAUSTED',
    async ({ db }) => {
      for await (const _ of db('users').where({ email: SECRET }).stream());
    },
  ],
  'a full pool, by a unit of work': [
    'DB_SESSION_POOL_EXHAUSTED',
    (_request, app) => app.unitOfWork((db) => db('users').where({ email: SECRET })),
  ],
  'a database that cannot be reached': [
    'DB_SESSION_UNAVAILABLE',
    ({ db }) => db('users').where({ email: SECRET }),
  ],
  'a backend that was ended': [
    'DB_SESSION_CONNECTION_LOST',
    ({ db }) =>
      db('users')
        .select(db.raw('pg_terminate_backend(pg_backend_pid())'))
        .from(db.raw("(values ('hunter2')) as v")),
  ],
  'a jsonb operator': [
    'DB_SESSION_TRANSACTION_FAILED',
    async ({ db }) => {
      await db.raw('select 1/0').catch(() => {})
      await db.raw('select ?::jsonb \\? ?', ['{}', SECRET])
    },
  ],
}

t.test('neither a client nor a handler gets SQL or values', async (t) => {
  const errors = new Map<string, Error>()
  const routes = (app: FastifyInstance) => {
    for (const [title, [, handler]] of Object.entries(cases)) {
      const mode = title === 'a write in mode read' ? ('read' as const) : ('write' as const)
      app.post(`/${encodeURIComponent(title)}`, { config: { db: { mode } } }, async (request) => {
        try {
          await handler(request, app)
        } catch (error) {
          errors.set(title, error as Error)
          throw error
        }
        return {}
      })
    }
  }
  const normal = await start(t, database, routes)
  const full = openKnex(database.url, 2)
  t.teardown(() => full.destroy())
  const held = await Promise.all([1, 2].map(() => full.client.acquireConnection()))
  t.teardown(() => held.forEach((connection) => void full.client.releaseConnection(connection)))
  const exhausted = await start(t, database, routes, { knex: full, closePools: false, acquireTimeoutMs: 1 })
  const unavailable = await start(t, database, routes, {
    knex: openKnex('postgres://nobody@127.0.0.1:1/none'),
  })
  for (const [title, [code]] of Object.entries(cases)) {
    t.test(`the 4xx or 5xx for ${title} has neither SQL nor values`, async (t) => {
      const app =
        code === 'DB_SESSION_POOL_EXHAUSTED'
          ? exhausted
          : code === 'DB_SESSION_UNAVAILABLE'
            ? unavailable
            : normal
      const response = await app.hit('POST', `/${encodeURIComponent(encodeURIComponent(title))}`)
      if (code) t.equal(response.json.code, code, response.body)
      t.ok(response.status >= 400)
      clean(t, response.body, 'the body')
      clean(t, JSON.stringify([...response.headers]), 'the headers')
      const error = errors.get(title) as { name?: string; message?: string } | undefined
      if (error?.name === 'DbSessionError') clean(t, error.message, 'the message')
    })
  }
})

t.test(
  'after a request is over or its client has disconnected, a statement’s error has neither SQL nor values',
  async (t) => {
    const messages: Error[] = []
    const { base, hit } = await start(t, database, (app) => {
      app.post('/over', async ({ db }) => {
        setImmediate(() =>
          db('users')
            .insert({ email: SECRET })
            .catch((error: Error) => messages.push(error)),
        )
        return {}
      })
      app.post('/aborted', async ({ db }) => {
        await db('users')
          .select(db.raw('pg_sleep(60)'))
          .from(db.raw("(values ('hunter2')) as v"))
          .catch((error: Error) => messages.push(error))
        await db('users')
          .insert({ email: SECRET })
          .catch((error: Error) => messages.push(error))
      })
    })
    await hit('POST', '/over')
    await until(() => messages.length === 1)
    t.match(messages[0], { code: 'DB_SESSION_OVER' })
    const gone = send(`${base}/aborted`)
    await until(
      async () =>
        (
          await database.see(
            "select 1 from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()",
          )
        ).length > 0,
    )
    gone.destroy()
    await until(() => messages.length === 3)
    for (const error of messages) {
      t.match(error, { code: /^DB_SESSION_(OVER|ABORTED)$/ })
      clean(t, error.message, error.message)
    }
  },
)

t.test(
  'a unit of work rejects with a message without SQL and values, and the error of pg as its cause',
  async (t) => {
    const { app } = await start(t, database, () => {})
    const failing: Record<string, (db: DbSession) => Promise<unknown>> = {
      knex: (db) => db('users').where({ id: SECRET }),
      query: (db) => db.query('select * from users where id = $1', [SECRET]),
      Objection: (db) => User.query(db).where({ id: SECRET }) as never,
      savepoint: (db) => db.savepoint((savepoint) => savepoint('users').where({ id: SECRET })),
    }
    for (const [name, work] of Object.entries(failing)) {
      const error = await rejection(app.unitOfWork(work))
      t.match(error, { name: 'DbSessionError', code: 'DB_SESSION_QUERY_FAILED', sqlState: '22P02' }, name)
      clean(t, error.message, name)
      // Objection has the error of pg in its own
      const cause = error.cause as { nativeError?: unknown }
      t.match(cause.nativeError ?? cause, { code: '22P02' })
    }
    const own = Object.assign(new Error('mine'), { code: 'MINE' })
    t.equal(
      await rejection(app.unitOfWork(() => Promise.reject(own))),
      own,
      'an error of the work is as it was',
    )
  },
)

/** Errors of an application, made from an error of Postgres. */
const own: Record<string, [wrap: (cause: Error) => unknown, expected: Record<string, unknown>]> = {
  'with all of its members and a cause': [
    (cause) => Object.assign(new Error('That is taken', { cause }), { statusCode: 422, code: 'TAKEN' }),
    { statusCode: 422, code: 'TAKEN', message: 'That is taken' },
  ],
  'with a message and a cause': [
    (cause) => new Error('That is taken', { cause }),
    { statusCode: 500, message: 'That is taken', code: undefined },
  ],
  'with a cause that has the cause': [
    (cause) =>
      Object.assign(new Error('That is taken', { cause: new Error('of a repository', { cause }) }), {
        statusCode: 409,
        code: 'TAKEN',
      }),
    { statusCode: 409, code: 'TAKEN', message: 'That is taken' },
  ],
  'that extends Error': [
    (cause) => {
      class Taken extends Error {
        readonly statusCode = 451
        readonly code = 'TAKEN'
      }
      return new Taken('That is taken', { cause })
    },
    { statusCode: 451, code: 'TAKEN', message: 'That is taken' },
  ],
  'with a severity': [
    (cause) =>
      Object.assign(new Error('Later', { cause }), { statusCode: 429, code: 'LATER', severity: 'low' }),
    { statusCode: 429, code: 'LATER', message: 'Later' },
  ],
  'with a DbSessionError of its own as the cause': [
    (cause) =>
      Object.assign(new Error('Later', { cause: { name: 'DbSessionError', cause } }), { statusCode: 418 }),
    { statusCode: 418, message: 'Later' },
  ],
  'with a cause that is itself': [
    () => {
      const error = Object.assign(new Error('Round'), { statusCode: 418 })
      return Object.assign(error, { cause: error })
    },
    { statusCode: 418, message: 'Round' },
  ],
}

t.test("the application's own error is kept, whatever its cause is", async (t) => {
  const handled: unknown[] = []
  const fail = async ({ db }: FastifyRequest, wrap: (cause: Error) => unknown) => {
    const cause = await rejection(db('users').insert({ email: 'x', id: SECRET }) as never)
    throw wrap(cause)
  }
  const { hit } = await start(t, database, (app) => {
    for (const [index, [wrap]] of Object.values(own).entries()) {
      app.post(`/handler/${index}`, (request) => fail(request, wrap))
      app.post(`/retry/${index}`, { config: { db: { retry: 2 } } }, (request) => fail(request, wrap))
      app.post(`/hook/${index}`, { preHandler: (request) => fail(request, wrap) as never }, async () => ({}))
      app.post(`/sent/${index}`, (request, reply) => {
        fail(request, wrap).catch((error) => reply.send(error))
      })
      app.post(
        `/handled/${index}`,
        {
          errorHandler: (error, _request, reply) => {
            handled.push(error)
            reply.code(error.statusCode ?? 500).send(error)
          },
        },
        (request) => fail(request, wrap),
      )
    }
  })
  for (const [index, [title, [, expected]]] of Object.entries(own).entries()) {
    for (const where of ['handler', 'retry', 'hook', 'sent', 'handled']) {
      t.test(`an error of the application ${title} is kept: ${where}`, async (t) => {
        const response = await hit('POST', `/${where}/${index}`)
        t.equal(response.status, expected.statusCode)
        t.equal(response.json.message, expected.message)
        t.equal(response.json.code, expected.code)
        t.same(response.seen, [])
      })
    }
  }
})

t.test('an error of Postgres has the same status in handlers, hooks and error handlers', async (t) => {
  const seen: Record<string, unknown>[] = []
  const options: Partial<DbSessionOptions> = {}
  const { hit } = await start(
    t,
    database,
    (app) => {
      const fail = async ({ db }: FastifyRequest) => {
        await db('users').insert({ email: SECRET })
        await db('users').insert({ email: SECRET })
      }
      app.post('/handler', fail)
      app.post('/pre', { preHandler: fail }, async () => ({}))
      app.post('/request', { onRequest: fail }, async () => ({}))
      app.post('/serialization', { preSerialization: fail as never }, async () => ({}))
      app.post('/send', { onSend: fail as never }, async () => ({}))
      app.post('/sent', (request, reply) => {
        fail(request).catch((error) => reply.send(error))
      })
      app.register(async (inner) => {
        inner.setErrorHandler((error: Error & { code: string; statusCode: number }, _request, reply) => {
          seen.push({ name: error.name, code: error.code, message: error.message })
          return reply.code(error.statusCode).send({ code: error.code, message: error.message })
        })
        inner.post('/custom', fail)
        inner.post('/custom-hook', { preHandler: fail }, async () => ({}))
      })
    },
    options,
  )
  for (const path of [
    '/handler',
    '/pre',
    '/request',
    '/serialization',
    '/send',
    '/sent',
    '/custom',
    '/custom-hook',
  ]) {
    const response = await hit('POST', path)
    t.match(
      response,
      { status: 409, json: { code: 'DB_SESSION_CONSTRAINT' }, seen: [] },
      `${path} ${response.body}`,
    )
    clean(t, response.body, path)
  }
  t.equal(seen.length, 2)
  for (const each of seen) t.match(each, { name: 'DbSessionError', code: 'DB_SESSION_CONSTRAINT' })
})
