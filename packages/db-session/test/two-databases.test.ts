/** The option `name`: two databases, or two kinds of session, in one app. */
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import { type DbSession, dbSession, type UnitOfWork, withRollback } from '../src/index.ts'
import { openDatabase, openKnex, raise, rejection, until, used } from './setup.ts'

declare module 'fastify' {
  interface FastifyRequest {
    readonly audit: DbSession
  }
  interface FastifyInstance {
    readonly auditUnitOfWork: UnitOfWork
  }
  interface FastifyContextConfig {
    audit?: FastifyContextConfig['db']
  }
}

const main = await openDatabase(t)
const audit = await openDatabase(t)
t.beforeEach(async () => {
  for (const database of [main, audit]) await database.other.query('truncate users restart identity cascade')
})
const see = async () => [
  await main.see('select email from users order by id'),
  await audit.see('select email from users order by id'),
]

type Register = (app: FastifyInstance, routes: (app: FastifyInstance) => void) => Promise<unknown>
const knexes = () => ({ db: openKnex(main.url, 3), audit: openKnex(audit.url, 3) })

async function serve(t: Test, routes: (app: FastifyInstance) => void, nested = false) {
  const app = Fastify()
  t.teardown(() => app.close())
  const knex = knexes()
  const options = { closePools: true, sleep: async () => {} }
  await app.register(dbSession, { knex: knex.db, ...options })
  const second: Register = async (app, routes) => {
    await app.register(dbSession, { knex: knex.audit, name: 'audit', ...options })
    routes(app)
  }
  if (nested) await app.register(async (inner) => second(inner, routes))
  else await second(app, routes)
  await app.ready()
  const post = async (url: string) => {
    const response = await app.inject({ method: 'POST', url })
    return { status: response.statusCode, json: response.json() }
  }
  return { app, post, knex }
}

const routes = (app: FastifyInstance) => {
  const add = async (request: FastifyRequest) => {
    await request.db('users').insert({ email: 'main' })
    await request.audit('users').insert({ email: 'audit' })
  }
  let runs = 0
  app.addHook('onRequest', async () => {
    runs = 0
  })
  app.post('/both', async (request, reply) => {
    await add(request)
    return reply.code(201).send({})
  })
  app.post('/neither', async (request, reply) => {
    await add(request)
    return reply.code(422).send({})
  })
  app.post('/thrown', async (request) => {
    await add(request)
    throw new Error('no')
  })
  app.post('/one', async (request, reply) => {
    await request.audit('users').insert({ email: 'audit' })
    return reply.code(201).send({})
  })
  app.post('/early', async (request, reply) => {
    await add(request)
    await request.audit.commit()
    return reply.code(422).send({})
  })
  app.post(
    '/modes',
    { config: { db: { mode: 'read' }, audit: { isolation: 'serializable' } } },
    async (request) => {
      const level = (db: DbSession) => db.query('show transaction_isolation').then(({ rows }) => rows[0])
      return {
        modes: [request.db.mode, request.audit.mode],
        levels: [await level(request.db), await level(request.audit)],
      }
    },
  )
  app.post('/fails', async (request) => {
    await request.db('users').insert({ email: 'main' })
    await request.audit('users').insert({ email: 'a', parent: 99 })
    return {}
  })
  app.post('/left', async (request) => {
    await add(request)
    request.audit.query('select pg_sleep(60)')
    await new Promise((resolve) => setImmediate(resolve))
    return {}
  })
  app.post('/conflict', { config: { db: { retry: 3 } } }, async (request, reply) => {
    runs++
    await request.db('users').insert({ email: `run ${runs}` })
    if (runs === 1) await request.db.query(raise('40001'))
    await request.audit('users').insert({ email: `run ${runs}` })
    return reply.code(201).send({})
  })
  app.post('/conflict-of-one', { config: { db: { retry: 3 } } }, async (request, reply) => {
    runs++
    await request.audit('users').insert({ email: `run ${runs}` })
    if (runs === 1) await request.db.query(raise('40001'))
    await request.db('users').insert({ email: `run ${runs}` })
    return reply.code(201).send({})
  })
  app.post('/unit', async (_request, reply) => {
    await app.unitOfWork((db) => db('users').insert({ email: 'main unit' }))
    await app.auditUnitOfWork((db) => db('users').insert({ email: 'audit unit' }))
    return reply.code(201).send({})
  })
}

for (const [title, nested] of [
  ['side by side', false],
  ['one inside the other', true],
] as const) {
  t.test(`two databases registered ${title}`, async (t) => {
    const { post, knex } = await serve(t, routes, nested)
    t.afterEach(() => until(() => used(knex.db) + used(knex.audit) === 0, 'the release of the connections'))
    t.test(`both databases commit with a success, registered ${title}`, async (t) => {
      t.equal((await post('/both')).status, 201)
      t.same(await see(), [['main'], ['audit']])
    })
    t.test(`both databases roll back with an error, registered ${title}`, async (t) => {
      t.equal((await post('/neither')).status, 422)
      t.equal((await post('/thrown')).status, 500)
      t.same(await see(), [[], []])
    })
    t.test(`a request can use only one of two databases, registered ${title}`, async (t) => {
      t.equal((await post('/one')).status, 201)
      t.same(await see(), [[], ['audit']])
    })
    t.test(
      `an early commit() of one database is kept if the other rolls back, registered ${title}`,
      async (t) => {
        t.equal((await post('/early')).status, 422)
        t.same(await see(), [[], ['audit']])
      },
    )
    t.test(`each database has its own options in a route, registered ${title}`, async (t) => {
      t.match((await post('/modes')).json, {
        modes: ['read', 'write'],
        levels: [{ transaction_isolation: 'read committed' }, { transaction_isolation: 'serializable' }],
      })
    })
    t.test(`a failed COMMIT of one database is the error of the response, registered ${title}`, async (t) => {
      t.match(await post('/fails'), { status: 409, json: { code: 'DB_SESSION_CONSTRAINT' } })
      t.same((await see())[1], [])
    })
    t.test(
      `a statement to one database that is not awaited is the error of the response, registered ${title}`,
      async (t) => {
        t.match(await post('/left'), { status: 500, json: { code: 'DB_SESSION_NOT_AWAITED' } })
        t.same((await see())[1], [])
      },
    )
    t.test(`a retry uses both databases again, or neither, registered ${title}`, async (t) => {
      t.equal((await post('/conflict')).status, 201)
      t.same(await see(), [['run 2'], ['run 2']])
    })
    t.test(
      `a retry of one database never commits a part of the other's statements, registered ${title}`,
      async (t) => {
        const { status } = await post('/conflict-of-one')
        t.same(await see(), status === 201 ? [['run 2'], ['run 2']] : [[], []])
        t.ok(status === 201 || status === 409, `status ${status}`)
      },
    )
    t.test(`each database has units of work, registered ${title}`, async (t) => {
      t.equal((await post('/unit')).status, 201)
      t.same(await see(), [['main unit'], ['audit unit']])
    })
  })
}

t.test('an instance with a name does not change `request.db`', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(dbSession, { knex: openKnex(audit.url), name: 'audit', closePools: true })
  app.get('/', async (request) => ({ db: 'db' in request, audit: typeof request.audit }))
  t.same((await app.inject('/')).json(), { db: false, audit: 'function' })
  t.notOk(app.hasDecorator('unitOfWork'))
  t.ok(app.hasDecorator('auditUnitOfWork'))
})

t.test('two apps, or two sibling plugins, can use the same name', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  for (const [prefix, database] of [
    ['/main', main],
    ['/audit', audit],
  ] as const) {
    await app.register(
      async (inner) => {
        await inner.register(dbSession, { knex: openKnex(database.url), closePools: true })
        inner.post('/', async ({ db }) => db('users').insert({ email: prefix }))
      },
      { prefix },
    )
  }
  for (const url of ['/main', '/audit']) t.equal((await app.inject({ method: 'POST', url })).statusCode, 200)
  t.same(await see(), [['/main'], ['/audit']])
})

t.test('registering the same name twice is an error', async (t) => {
  for (const name of [undefined, 'audit']) {
    for (const nested of [false, true]) {
      const app = Fastify()
      const knex = knexes()
      t.teardown(() => Promise.all([app.close(), knex.db.destroy(), knex.audit.destroy()]))
      const named = name === undefined ? {} : { name }
      await app.register(dbSession, { knex: knex.db, ...named })
      const second = async (app: FastifyInstance) =>
        void (await app.register(dbSession, { knex: knex.audit, ...named }))
      const error = await rejection(
        (async () => {
          if (nested) await app.register(second)
          else await second(app)
          await app.ready()
        })(),
      )
      t.match(
        error,
        { code: 'DB_SESSION_OPTION_INVALID', message: /name/ },
        `${name ?? 'db'}, nested: ${nested}`,
      )
    }
  }
})

t.test('a name that the request or the app already uses is an error', async (t) => {
  for (const name of ['body', 'log', 'raw', 'params', '__proto__', 'constructor']) {
    const app = Fastify()
    const knex = openKnex(main.url)
    t.teardown(() => Promise.all([app.close(), knex.destroy()]))
    const error = await rejection((async () => app.register(dbSession, { knex, name }).ready())())
    t.match(error, Error, name)
  }
})

t.test('withRollback() takes the unit of work of a database', async (t) => {
  const { app, post } = await serve(t, routes)
  const { auditUnitOfWork } = app
  await withRollback(auditUnitOfWork, async () => {
    t.equal((await post('/both')).status, 201)
    t.same(await see(), [['main'], []], 'only the database of that unit of work is rolled back')
  })
  t.same(await see(), [['main'], []])
  const rollBack = await withRollback(auditUnitOfWork)
  t.equal((await post('/one')).status, 201)
  await rollBack()
  t.same(await see(), [['main'], []])
  const both = [await withRollback(app), await withRollback(auditUnitOfWork)] as const
  t.equal((await post('/unit')).status, 201)
  for (const rollBack of both) await rollBack()
  t.same(await see(), [['main'], []], 'both can be rolled back at the same time')
  t.match(await rejection(withRollback(Fastify(), async () => {})), { code: 'DB_SESSION_NOT_COVERED' })
})
