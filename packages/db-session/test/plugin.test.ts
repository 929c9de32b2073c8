import Fastify from 'fastify'
import type { Knex } from 'knex'
import t from 'tap'
import { type DbSession, dbSession } from '../src/index.ts'
import { openDatabase, openKnex, start } from './setup.ts'

const database = await openDatabase(t)

t.test('routes and hooks have a session if they are added after the plugin', async (t) => {
  const app = Fastify()
  app.get('/before', async (request) => request.db('users'))
  await app.register(dbSession, { knex: openKnex(database.url), closePools: true })
  app.addHook('preHandler', async (request) => {
    if (request.url === '/hook') await request.db('users').insert({ email: 'hook' })
  })
  app.get('/hook', async (request) => request.db('users').pluck('email'))
  app.register(async (inner) => {
    inner.get('/inner', async (request) => request.db('users').pluck('email'))
  })
  app.setNotFoundHandler(async (request) => request.db('users'))
  t.teardown(() => app.close())
  t.equal((await app.inject('/before')).json().code, 'DB_SESSION_NOT_COVERED')
  t.equal((await app.inject('/nowhere')).json().code, 'DB_SESSION_NOT_COVERED')
  t.same((await app.inject('/hook')).json(), ['hook'])
  t.same((await app.inject('/inner')).json(), ['hook'])
  t.same((await app.inject({ method: 'HEAD', url: '/inner' })).statusCode, 200)
})

t.test('the COMMIT is sent after every other onSend hook has run', async (t) => {
  const { hit } = await start(t, database, (app) => {
    app.addHook('onSend', async (request) => {
      if (request.url === '/late') throw new Error('a hook that fails')
    })
    app.post('/late', { onSend: async () => {} }, async (request) =>
      request.db('users').insert({ email: 'late' }),
    )
    app.post('/fine', { onSend: async (_request, _reply, payload) => payload }, async (request) =>
      request.db('users').insert({ email: 'fine' }),
    )
  })
  t.notOk((await hit('POST', '/late')).seen.includes('late'))
  t.ok((await hit('POST', '/fine')).seen.includes('fine'))
})

t.test('an error handler is called once if the COMMIT fails', async (t) => {
  let calls = 0
  const { hit } = await start(t, database, (app) => {
    app.setErrorHandler((error: Error & { code: string; statusCode: number }, _request, reply) => {
      calls++
      reply
        .code(error.statusCode)
        .type('application/problem+json')
        .send(JSON.stringify({ code: error.code }))
    })
    app.post('/', async (request, reply) => {
      await request.db('users').insert({ email: 'x', parent: 99 })
      return reply.code(201).header('location', '/x').send({})
    })
  })
  const response = await hit('POST', '/')
  t.match(response, { status: 409, body: '{"code":"DB_SESSION_CONSTRAINT"}' })
  t.equal(response.headers.get('location'), null)
  t.equal(calls, 1)
})

t.test('a closed pool is a 503, and the app keeps running', async (t) => {
  let closing: Promise<void> | undefined
  const { app, hit, knex } = await start(t, database, (app) => {
    app.post('/after', async (request) => request.db('users').insert({ email: 'after' }))
    app.post('/during', async (request) => {
      await request.db('users').insert({ email: 'during' })
      closing = knex.destroy()
      return {}
    })
  })
  t.ok((await hit('POST', '/during')).seen.includes('during'), 'a session under way commits')
  await closing
  t.match(await hit('POST', '/after'), { status: 503, json: { code: 'DB_SESSION_UNAVAILABLE' } })
  t.equal((await app.inject('/nowhere')).statusCode, 404)
})

t.test('drivers other than pg are rejected', async (t) => {
  for (const driverName of ['pgnative', 'sqlite3', 'mysql2'])
    await t.rejects(
      async () => Fastify().register(dbSession, { knex: { client: { driverName } } as never }),
      { code: 'DB_SESSION_OPTION_INVALID', message: /knex/ },
    )
})

t.test('a session has the types of knex, with the row type that a query names', (t) => {
  interface User {
    id: number
    email: string
  }
  const app = Fastify()
  const anyKnex = (db: Knex) => db
  const check = async (db: DbSession) => {
    anyKnex(db)
    const [user] = await db<User>('users').insert({ email: 'x' }).returning('*')
    const emails: { email: string }[] = await db<User>('users').where({ id: 1 }).select('email')
    const first: User | undefined = await db<User>('users').where({ id: 1 }).first()
    // @ts-expect-error rows are users
    const none: { name: string }[] = await db<User>('users')
    const { rows } = await db.query<User>('select * from users')
    const one: User | undefined = rows[0]
    const mode: 'read' | 'write' = db.mode
    // @ts-expect-error a session has no such member
    db.nothing()
    const n: number = await app.unitOfWork(async () => 1)
    const nested: User[] = await db.unitOfWork((inner) => inner<User>('users').select('*') as never)
    return [user?.id, emails, first, none, one, mode, n, nested]
  }
  t.type(check, 'function')
  const options = () => {
    // @ts-expect-error `knex` is missing
    app.register(dbSession, {})
    // @ts-expect-error there is no such mode
    app.post('/', { config: { db: { mode: 'both' } } }, async () => {})
    // @ts-expect-error there is no such level
    app.unitOfWork(async () => {}, { isolation: 'read uncommitted' })
  }
  t.type(options, 'function')
  t.end()
})
