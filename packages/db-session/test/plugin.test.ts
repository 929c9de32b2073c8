import Fastify from 'fastify'
import t from 'tap'
import { type DbSession, dbSession } from '../src/index.ts'
import { openDatabase, openKnex, start } from './setup.ts'

const database = await openDatabase(t)

t.test('routes and hooks have a session if they come after the plugin', async (t) => {
  const app = Fastify()
  app.get('/before', async (request) => request.db('users'))
  await app.register(dbSession, { knex: openKnex(database.url) })
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

t.test('the COMMIT comes after every other onSend hook', async (t) => {
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

t.test('an error handler of the service is asked once', async (t) => {
  let asked = 0
  const { hit } = await start(t, database, (app) => {
    app.setErrorHandler((error: Error & { code: string; statusCode: number }, _request, reply) => {
      asked++
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
  const answer = await hit('POST', '/')
  t.equal(answer.status, 409)
  t.equal(answer.body, '{"code":"DB_SESSION_CONSTRAINT"}')
  t.equal(answer.headers.get('location'), null)
  t.equal(asked, 1)
})

t.test('types', (t) => {
  const writes = (db: DbSession<'write'>) => db
  const reads = (db: DbSession) => db
  const check = (write: DbSession<'write'>, read: DbSession<'read'>) => {
    writes(write)
    reads(write)
    reads(read)
    // @ts-expect-error a session of mode read is not for what writes
    writes(read)
    // @ts-expect-error there is no such level
    const route: import('../src/index.ts').DbRoute = { isolation: 'read uncommitted' }
    return route
  }
  t.type(check, 'function')
  const app = Fastify()
  const typed = async () => {
    const n: number = await app.unitOfWork(async () => 1)
    const rows: { email: string }[] = await app.unitOfWork((db) =>
      db<{ email: string }>('users').select('email'),
    )
    return [n, rows]
  }
  t.type(typed, 'function')
  t.end()
})
