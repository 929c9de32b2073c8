import t from 'tap'
import { Queue } from '../src/queue.ts'
import { openDatabase, openKnex, rejection, start, used } from './setup.ts'

const database = await openDatabase(t)

t.test('each level leaves a connection to the next', (t) => {
  const queue = new Queue(5, 2, 60_000)
  const entered: string[] = []
  const join = (name: string, level: number) =>
    queue.join(
      level,
      () => void entered.push(name),
      () => t.fail(),
    )
  const [first] = ['a', 'b', 'c', 'd'].map((name) => join(name, 0))
  t.same(entered, ['a', 'b', 'c'], 'of five connections three are for the first level')
  const inner = join('inner', 1)
  join('inner 2', 1)
  t.same(entered.splice(3), ['inner'], 'one more for the second')
  const last = join('innermost', 2)
  join('innermost 2', 3)
  t.same(entered.splice(3), ['innermost'], 'and the last for what is in it, however deep')
  queue.exit(last)
  queue.exit(inner)
  t.same(entered.splice(3), ['innermost 2', 'inner 2'])
  queue.exit(first as never)
  t.same(entered.splice(3), ['d'])
  t.end()
})

t.test('whoever leaves, or is late, has no turn', async (t) => {
  const queue = new Queue(1, 0, 20)
  const turns: string[] = []
  const late: string[] = []
  const join = (name: string) =>
    queue.join(
      0,
      () => void turns.push(name),
      () => void late.push(name),
    )
  const served = join('served')
  t.ok(queue.leave(served))
  t.notOk(queue.leave(served), 'once')
  const gone = join('gone')
  t.ok(queue.leave(gone))
  await new Promise<void>((resolve) => {
    join('late')
    // tickets that come while others wait have a time of their own
    setTimeout(() => {
      queue.join(
        0,
        () => {},
        () => resolve(),
      )
    }, 10)
  })
  t.same(late, ['late'])
  queue.exit(served)
  t.same(turns, ['served'])
})

t.test('a pool has a connection for the first level, however large the reserve', (t) => {
  t.equal(new Queue(5, 100, 1).depth, 4)
  t.equal(new Queue(1, 1, 1).depth, 0)
  t.end()
})

t.test('units of work within units of work', async (t) => {
  const run = async (reserve: number) => {
    const { app, hit, knex } = await start(
      t,
      database,
      (app) => {
        app.get('/nested', async (request) => {
          await request.db.raw('select 1')
          return request.db.unitOfWork(async (db) => {
            await db.raw('select 2')
            return db.unitOfWork(async (inner) => (await inner.raw('select 3 as n')).rows)
          })
        })
      },
      // a deadlock would show, a slow machine would not
      { acquireTimeoutMs: 60_000, reserve },
    )
    const answers = await Promise.all(Array.from({ length: 50 }, () => hit('GET', '/nested')))
    const units = await Promise.allSettled(
      Array.from({ length: 50 }, () =>
        app.unitOfWork(async (db) => {
          await db.raw('select 1')
          return db.unitOfWork((inner) => inner.raw('select 2'))
        }),
      ),
    )
    t.equal(used(knex), 0)
    return { answers, units }
  }
  t.test('as deep as the reserve are all served', async (t) => {
    const { answers, units } = await run(2)
    t.same([...new Set(answers.map(({ status }) => status))], [200])
    t.same([...new Set(units.map(({ status }) => status))], ['fulfilled'])
  })
  t.test('deeper are all refused at once, with a code of their own', async (t) => {
    const { answers, units } = await run(1)
    t.same(
      [...new Set(answers.map(({ status, json }) => `${status} ${json.code}`))],
      ['500 DB_SESSION_NESTED'],
    )
    for (const unit of units) t.equal(unit.status === 'rejected' && unit.reason.code, 'DB_SESSION_NESTED')
  })
})

t.test('50 requests that each need a second connection are all served, of a pool of five', async (t) => {
  const { hit, knex } = await start(
    t,
    database,
    (app) => {
      app.get('/', async (request) => {
        await request.db.raw('select 1')
        const inner = await request.db.unitOfWork(async (db) => (await db.raw('select 2 as n')).rows)
        return { ...inner[0], ...(await request.db.raw('select 1 as one')).rows[0] }
      })
    },
    { acquireTimeoutMs: 60_000 },
  )
  const answers = await Promise.all(Array.from({ length: 50 }, () => hit('GET', '/')))
  for (const { status, json } of answers) t.same([status, json], [200, { n: 2, one: 1 }])
  t.equal(used(knex), 0)
})

t.test('a pool of one', async (t) => {
  const { app } = await start(t, database, () => {}, {
    knex: openKnex(database.url, 1),
    acquireTimeoutMs: 60_000,
  })
  const nested = (before: boolean) =>
    app.unitOfWork(async (db) => {
      if (before) await db.raw('select 1')
      return db.unitOfWork(async (inner) => (await inner.raw('select 1 as one')).rows[0].one)
    })
  t.equal((await rejection(nested(true))).code, 'DB_SESSION_NESTED')
  t.equal(await nested(false), 1, 'a session without a connection has none to give')
})

t.test('what a unit of work within a session has stored stays, what the session did is undone', async (t) => {
  const { hit } = await start(t, database, (app) => {
    app.post('/', async (request, reply) => {
      await request.db('users').insert({ email: 'outer' })
      await request.db.savepoint((db) => db.unitOfWork((unit) => unit('users').insert({ email: 'unit' })))
      return reply.code(401).send({})
    })
  })
  t.same((await hit('POST', '/')).seen, ['unit'])
})
