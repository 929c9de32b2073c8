/** A savepoint that throws is rolled back, no matter what still runs in it and how it was opened. */
import type { FastifyRequest } from 'fastify'
import type { Knex } from 'knex'
import { Model, transaction } from 'objection'
import t from 'tap'
import type { DbSession } from '../src/index.ts'
import { openDatabase, rejection, start, until, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users, posts restart identity cascade'))

const unhandled: unknown[] = []
process.on('unhandledRejection', (reason) => unhandled.push(reason))

class Post extends Model {
  static override tableName = 'posts'
  declare title: string
  override $beforeInsert() {
    if (this.title === 'refused') throw new Error('no')
  }
}
class User extends Model {
  static override tableName = 'users'
  static override relationMappings = () => ({
    posts: {
      relation: Model.HasManyRelation,
      modelClass: Post,
      join: { from: 'users.id', to: 'posts.owner_id' },
    },
  })
}

const ROWS = 'select g, repeat(chr(120), 500) as text from generate_series(1, 5000) g'
const no = () => Promise.reject(new Error('no'))

/** Each way to open a savepoint. All pass a Knex to the callback. */
const ways: Record<string, (db: DbSession, work: (trx: Knex) => Promise<unknown>) => PromiseLike<unknown>> = {
  'db.savepoint': (db, work) => db.savepoint(work),
  'db.transaction': (db, work) => db.transaction(work),
  'Model.transaction': (db, work) => User.transaction(db, work),
  "Objection's transaction()": (db, work) => transaction(db, work as never),
  'a savepoint in a savepoint': (db, work) => db.savepoint((outer) => outer.savepoint(work)),
  'a transaction of a savepoint': (db, work) => db.savepoint((outer) => outer.transaction(work)),
}

type Keep = (leftover: Promise<unknown>) => void

/** Each way to fail while something is under way. `keep` takes promises that nothing in the savepoint awaits. */
const failures: Record<string, (trx: Knex, keep: Keep) => PromiseLike<unknown>> = {
  'with an insert under way': (trx) => Promise.all([trx('users').insert({ email: 'inner' }), no()]),
  'with a slow insert under way': (trx) =>
    Promise.all([trx.raw("insert into users (email) select 'inner' from pg_sleep(0.05)"), no()]),
  'with several statements waiting': (trx) =>
    Promise.all([
      trx.raw('select pg_sleep(0.02)'),
      trx('users').insert({ email: 'inner 1' }),
      trx('users').insert({ email: 'inner 2' }),
      no(),
    ]),
  'after a row stream that ended early': async (trx) => {
    await trx('users').insert({ email: 'inner' })
    for await (const row of trx.raw(ROWS).stream()) if (row.g === 5) break
    throw new Error('no')
  },
  'inside a row stream': async (trx) => {
    await trx('users').insert({ email: 'inner' })
    for await (const row of trx.raw(ROWS).stream()) if (row.g === 5) throw new Error('no')
  },
  'next to a row stream that is still read': (trx, keep) => {
    keep(
      (async () => {
        await trx('users').insert({ email: 'inner' })
        for await (const _ of trx.raw(ROWS).stream()) await trx('users').insert({ email: 'row' })
      })(),
    )
    return trx.raw('select 1').then(no)
  },
  'by the end of its work, with a statement under way': async (trx, keep) => {
    await trx('users').insert({ email: 'inner' })
    keep(trx.raw("insert into users (email) select 'late' from pg_sleep(0.05)").then(() => {}))
  },
  'with a graph of Objection half inserted': (trx) =>
    User.query(trx).insertGraph([
      { email: 'inner 1', posts: [{ title: 'a' }, { title: 'refused' }] },
      { email: 'inner 2', posts: [{ title: 'b' }] },
    ] as never),
  'with a graph of Objection that breaks a constraint': (trx) =>
    User.query(trx).insertGraph([
      { email: 'inner', posts: [{ title: 'a' }] },
      { email: 'inner', posts: [{ title: 'b' }] },
    ] as never),
  'after a statement failed and its error was caught': async (trx) => {
    await trx('users').insert({ email: 'inner' })
    await trx.raw('select 1/0').catch(() => {})
  },
  'with code that goes on after it': async (trx, keep) => {
    keep(
      (async () => {
        for (let i = 0; i < 5; i++) await trx('users').insert({ email: `inner ${i}` })
      })(),
    )
    await trx.raw('select 1')
    throw new Error('no')
  },
}

t.test('a savepoint that throws', async (t) => {
  const outcomes = new Map<string, string>()
  const cases = Object.entries(ways).flatMap(([way, open]) =>
    Object.entries(failures).map(([failure, work]) => ({
      title: `${way} that fails ${failure}`,
      open,
      work,
    })),
  )
  const run = async (db: DbSession, { title, open, work }: (typeof cases)[number]) => {
    const leftover: Promise<unknown>[] = []
    const keep: Keep = (promise) => leftover.push(promise.catch(() => {}))
    await db('users').insert({ email: 'before' })
    await open(db, async (trx) => work(trx, keep)).then(
      () => outcomes.set(title, 'resolved'),
      () => outcomes.set(title, 'rejected'),
    )
    await db('users').insert({ email: 'after' })
    await Promise.all(leftover)
  }
  const { hit, app, knex } = await start(
    t,
    database,
    (app) => {
      for (const [index, each] of cases.entries()) {
        app.post(`/${index}`, async ({ db }, reply) => {
          await run(db, each)
          return reply.code(201).send({})
        })
        app.post(`/unit/${index}`, async (_request, reply) => {
          await app.unitOfWork((db) => run(db, each))
          return reply.code(201).send({})
        })
      }
    },
    { seen: 'select email from users union all select title from posts' },
  )
  for (const [index, each] of cases.entries()) {
    t.test(`${each.title} is rolled back, and the request succeeds`, async (t) => {
      const response = await hit('POST', `/${index}`)
      t.match(response, { status: 201 }, response.body)
      t.same(response.seen, ['before', 'after'])
      t.equal(outcomes.get(each.title), 'rejected')
      t.equal(used(knex), 0)
    })
  }
  t.test('a savepoint that throws in a unit of work is rolled back too', async (t) => {
    for (const [index, { title }] of cases.slice(0, Object.keys(failures).length).entries()) {
      await database.other.query('truncate users, posts restart identity cascade')
      const response = await hit('POST', `/unit/${index}`)
      t.match(response, { status: 201 }, `${title}: ${response.body}`)
      t.same(response.seen, ['before', 'after'], title)
    }
    t.equal(used(knex), 0)
  })
  t.equal(app.server.listening, true)
})

t.test('savepoint() rejects with the error that its callback throws', async (t) => {
  const { app } = await start(t, database, () => {})
  const own = new Error('no')
  for (const [way, open] of Object.entries(ways)) {
    await app.unitOfWork(async (db) => {
      const error = await rejection(
        open(db, (trx) => Promise.all([trx.raw('select pg_sleep(0.02)'), Promise.reject(own)])),
      )
      t.equal(error, own, way)
    })
  }
})

t.test('a savepoint that does not await a statement rejects with DB_SESSION_NOT_AWAITED', async (t) => {
  const { app } = await start(t, database, () => {})
  for (const [way, open] of Object.entries(ways)) {
    await app.unitOfWork(async (db) => {
      const error = await rejection(
        open(db, async (trx) => {
          trx.raw('select pg_sleep(0.02)').catch(() => {})
        }),
      )
      t.match(error, { code: 'DB_SESSION_NOT_AWAITED', message: /a statement/ }, way)
    })
  }
})

t.test('the session of a savepoint that has ended rejects statements', async (t) => {
  const { hit } = await start(t, database, (app) => {
    for (const [path, end] of [
      ['/returned', async () => {}],
      ['/thrown', no],
    ] as const) {
      app.post(path, async ({ db }, reply) => {
        let saved: DbSession | undefined
        let builder: Knex.QueryBuilder | undefined
        await db
          .savepoint(async (savepoint) => {
            saved = savepoint
            builder = savepoint('users').insert({ email: 'builder' })
            await savepoint.query('select 1')
            await end()
          })
          .catch(() => {})
        const codes = []
        for (const late of [
          () => saved?.query("insert into users (email) values ('query')"),
          () => builder,
          () => saved?.('users').insert({ email: 'knex' }),
          () => saved?.savepoint(async () => {}),
          () => saved?.raw(ROWS).stream().toArray(),
        ]) {
          codes.push((await rejection((async () => late())())).code)
        }
        await db('users').insert({ email: 'after' })
        return reply.code(201).send(codes)
      })
    }
  })
  for (const path of ['/returned', '/thrown']) {
    await database.other.query('truncate users cascade')
    const response = await hit('POST', path)
    t.same(JSON.parse(response.body), Array(5).fill('DB_SESSION_OVER'), path)
    t.same(response.seen, ['after'])
  }
})

t.test('a savepoint that cannot be rolled back is never a success', async (t) => {
  const pid = async (db: DbSession): Promise<number> =>
    (await db.query('select pg_backend_pid() as pid')).rows[0].pid
  const breaking: Record<string, (savepoint: DbSession) => Promise<unknown>> = {
    'its backend was ended': async (savepoint) => {
      await database.other.query('select pg_terminate_backend($1)', [await pid(savepoint)])
    },
    'its backend was ended in a statement': async (savepoint) => {
      await savepoint.query('select pg_terminate_backend(pg_backend_pid())').catch(() => {})
    },
    'it sent a ROLLBACK': (savepoint) => savepoint.query('rollback').catch(() => {}),
    'it sent a COMMIT': (savepoint) => savepoint.raw('commit').catch(() => {}),
    'it sent a ROLLBACK and a BEGIN': async (savepoint) => {
      await savepoint.query('rollback').catch(() => {})
      await savepoint.query('begin').catch(() => {})
    },
    'it rolled back to an outer savepoint': async (savepoint) => {
      await savepoint.raw('rollback to savepoint mine').catch(() => {})
    },
  }
  const { hit, knex } = await start(t, database, (app) => {
    for (const [index, each] of Object.values(breaking).entries()) {
      app.post(`/${index}`, async ({ db }: FastifyRequest, reply) => {
        await db.raw('savepoint mine')
        await db
          .savepoint(async (savepoint) => {
            await savepoint('users').insert({ email: 'inner' })
            await each(savepoint)
            throw new Error('no')
          })
          .catch(() => {})
        await db('users')
          .insert({ email: 'after' })
          .catch(() => {})
        return reply.code(201).send({})
      })
    }
  })
  for (const [index, title] of Object.keys(breaking).entries()) {
    t.test(`savepoint() does not resolve if ${title}`, async (t) => {
      const response = await hit('POST', `/${index}`)
      t.ok(response.status >= 500, `status ${response.status}`)
      t.notOk(response.seen.includes('after'))
      await until(() => used(knex) === 0)
    })
  }
})

t.test('a savepoint that the application names itself does not hide the one around it', async (t) => {
  const { hit } = await start(t, database, (app) => {
    app.post<{ Querystring: { name: string } }>('/', async ({ db, query }) => {
      await db
        .savepoint(async (savepoint) => {
          await savepoint('users').insert({ email: 'inner' })
          await savepoint.query(`savepoint ${query.name}`)
          throw new Error('no')
        })
        .catch(() => {})
      await db('users').insert({ email: 'outer' })
      return {}
    })
  })
  for (const name of ['s1', 'sp', 'savepoint1']) {
    t.match(await hit('POST', `/?name=${name}`), { status: 200, seen: ['outer'] }, name)
    await database.other.query('truncate users cascade')
  }
})
t.test('rollbackOnly() in a savepoint rolls back the savepoint only', async (t) => {
  const { hit } = await start(t, database, (app) => {
    app.post('/', async ({ db }, reply) => {
      const result = await db.savepoint(async (savepoint) => {
        await savepoint('users').insert({ email: 'inner' })
        savepoint.rollbackOnly()
        return 'result'
      })
      await db('users').insert({ email: result })
      return reply.code(201).send({})
    })
  })
  t.match(await hit('POST', '/'), { status: 201, seen: ['result'] })
})

t.test('the second of two simultaneous savepoints is rejected, and the first is committed', async (t) => {
  const { hit } = await start(t, database, (app) => {
    app.post('/', async ({ db }, reply) => {
      const add = (email: string) =>
        db.savepoint(async (savepoint) => {
          await savepoint('users').insert({ email })
          await savepoint.query('select 1')
        })
      const [first, second] = await Promise.allSettled([add('first'), add('second')])
      return reply
        .code(201)
        .send([first?.status, second?.status === 'rejected' && (second.reason as { code: string }).code])
    })
  })
  const response = await hit('POST', '/')
  t.same(JSON.parse(response.body), ['fulfilled', 'DB_SESSION_SAVEPOINT_OPEN'])
  t.same(response.seen, ['first'])
})

t.test('a savepoint that goes on after the one around it was rolled back', async (t) => {
  const ends: string[] = []
  /** Leaves a savepoint of the second level under way, and returns a function that lets it end. */
  const leaveInner = async (db: DbSession) => {
    let goOn = () => {}
    const work = async (outer: DbSession) => {
      const gate = new Promise<void>((resolve) => {
        goOn = resolve
      })
      outer
        .savepoint(() => gate)
        .then(
          () => ends.push('resolved'),
          ({ code }) => ends.push(code),
        )
      throw new Error('undo')
    }
    await db.savepoint(work).catch(() => {})
    return goOn
  }
  const goOns: (() => void)[] = []
  const { hit } = await start(t, database, (app) => {
    app.post('/later', async ({ db }) => {
      await db('users').insert({ email: 'kept' })
      const goOn = await leaveInner(db)
      await db.savepoint(async (outer) => {
        await outer('users').insert({ email: 'kept too' })
        const work = async (inner: DbSession) => {
          await inner('users').insert({ email: 'rolled back' })
          goOn()
          await until(() => ends.length === 1)
          throw new Error('undo')
        }
        await outer.savepoint(work).catch(() => {})
      })
      return {}
    })
    app.post('/after-the-response', async ({ db }) => {
      await db('users').insert({ email: 'kept' })
      goOns.push(await leaveInner(db))
      return {}
    })
  })
  t.test('a savepoint that goes on does not touch a later savepoint', async (t) => {
    t.match(await hit('POST', '/later'), { status: 200, seen: ['kept', 'kept too'] })
    t.same(ends.splice(0), ['DB_SESSION_OVER'])
  })
  t.test('a savepoint that goes on is rejected, even after the response', async (t) => {
    t.match(await hit('POST', '/after-the-response'), { status: 200, seen: ['kept'] })
    for (const goOn of goOns) goOn()
    await until(() => ends.length === 1)
    t.same(ends, ['DB_SESSION_OVER'])
  })
})

t.test('afterCommit() of a savepoint that was rolled back does not run', async (t) => {
  const ran: string[] = []
  const { hit } = await start(t, database, (app) => {
    app.post('/', async ({ db }, reply) => {
      await db
        .savepoint(async (savepoint) => {
          savepoint.afterCommit(() => ran.push('rolled back'))
          await savepoint('users').insert({ email: 'inner' })
          throw new Error('no')
        })
        .catch(() => {})
      await db.savepoint(async (savepoint) => {
        savepoint.afterCommit(() => ran.push('kept'))
        await savepoint('users').insert({ email: 'kept' })
      })
      db.afterCommit(() => ran.push('session'))
      return reply.code(201).send({})
    })
  })
  t.match(await hit('POST', '/'), { status: 201, seen: ['kept'] })
  await until(() => ran.includes('session'))
  t.same(ran, ['kept', 'session'])
})

t.test('every promise that rejected in the tests above had a handler', async (t) => {
  await new Promise((resolve) => setImmediate(resolve))
  t.same(unhandled, [])
})
