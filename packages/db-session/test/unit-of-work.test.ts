/** createUnitOfWork(): sessions without Fastify. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { createUnitOfWork, type DbSession, DbSessionError } from '../src/index.ts'
import { openDatabase, openKnex, raise, rejection, until, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users restart identity cascade'))
const see = () => database.see('select email from users order by id')
const add = (db: DbSession, email: string) => db('users').insert({ email })

const knex = openKnex(database.url)
t.teardown(() => knex.destroy())
const unitOfWork = createUnitOfWork({ knex, sleep: async () => {} })

const run = promisify(execFile)
const here = fileURLToPath(new URL('..', import.meta.url))
/** Runs a program in a folder that has the published package installed. */
const program = async (code: string) =>
  JSON.parse(
    (
      await run(process.execPath, ['--input-type=module', '-e', code], {
        cwd: here,
        env: { ...process.env, NODE_OPTIONS: '', URL_OF_TEST: database.url },
      })
    ).stdout,
  )
const LOADED = `
  import { createRequire } from 'node:module'
  const loaded = () => Object.keys(createRequire(import.meta.url).cache).filter((file) => /fastify/.test(file))`

t.test('a program that uses the entry point without Fastify loads no module of Fastify', async (t) => {
  const result = await program(`${LOADED}
    import { createUnitOfWork } from '@auth-primer/db-session/unit-of-work'
    import knexModule from 'knex'
    const knex = knexModule({ client: 'pg', connection: process.env.URL_OF_TEST })
    const unitOfWork = createUnitOfWork({ knex, closePools: true })
    const id = await unitOfWork(async (db) => {
      await db('users').insert({ email: 'worker' })
      await db.savepoint((savepoint) => savepoint.query('select 1'))
      return (await db.query('select id from users')).rows.length
    }, { retry: 1 })
    await unitOfWork.close()
    console.log(JSON.stringify({ id, loaded: loaded() }))`)
  t.same(result, { id: 1, loaded: [] })
  t.same(await see(), ['worker'], 'and it commits, and ends')
})

t.test('the main entry point loads Fastify, which shows that the test above would detect it', async (t) => {
  const result = await program(`${LOADED}
    import '@auth-primer/db-session'
    console.log(JSON.stringify(loaded().length > 0))`)
  t.equal(result, true)
})

t.test('the entry point without Fastify exports the same, except for the plugin', async (t) => {
  const result = await program(`
    const main = await import('@auth-primer/db-session')
    const unit = await import('@auth-primer/db-session/unit-of-work')
    const missing = Object.keys(main).filter((name) => !(name in unit) || main[name] !== unit[name])
    const more = Object.keys(unit).filter((name) => !(name in main))
    console.log(JSON.stringify({ missing: missing.sort(), more }))`)
  t.same(result, { missing: ['dbSession', 'default'], more: [] })
})

t.test('a unit of work commits, and resolves with the result of its callback', async (t) => {
  const result = await unitOfWork(async (db) => {
    await add(db, 'a')
    return 'result'
  })
  t.equal(result, 'result')
  t.same(await see(), ['a'])
  t.equal(used(knex), 0)
})

t.test('a unit of work whose callback throws rolls back, and rejects with the same error', async (t) => {
  const own = Object.assign(new Error('mine', { cause: new Error('why') }), { code: 'MINE', statusCode: 418 })
  for (const thrown of [own, 'a string', undefined, null]) {
    let caught: unknown = 'nothing'
    await unitOfWork(async (db) => {
      await add(db, 'x')
      throw thrown
    }).catch((error) => {
      caught = error
    })
    t.equal(caught, thrown)
  }
  t.same(await see(), [])
  t.equal(used(knex), 0)
})

t.test('an error that the callback made from an error of Postgres is not changed', async (t) => {
  const error = await rejection(
    unitOfWork(async (db) => {
      await db.query('select 1/0').catch((cause) => {
        throw Object.assign(new Error('mine', { cause }), { code: 'MINE' })
      })
    }),
  )
  t.match(error, { message: 'mine', code: 'MINE' })
  t.notOk(error instanceof DbSessionError)
})

t.test('an error of Postgres is a DbSessionError, whose cause is the error of pg', async (t) => {
  for (const [code, work] of Object.entries<(db: DbSession) => Promise<unknown>>({
    DB_SESSION_CONSTRAINT: async (db) => {
      await add(db, 'x')
      await add(db, 'x')
    },
    DB_SESSION_QUERY_FAILED: (db) => db.raw('select 1/0') as never,
    DB_SESSION_TRANSACTION_FAILED: (db) => db.query('select 1/0').catch(() => {}),
    DB_SESSION_SERIALIZATION: (db) => db.query(raise('40001')),
    DB_SESSION_CONNECTION_LOST: (db) => db.query('select pg_terminate_backend(pg_backend_pid())'),
    DB_SESSION_NOT_AWAITED: async (db) => {
      db.query('select pg_sleep(60)')
    },
    DB_SESSION_ENDED_BY_STATEMENT: (db) => db.query('rollback'),
  })) {
    const error = await rejection(unitOfWork(work))
    t.ok(error instanceof DbSessionError, code)
    t.match(error, { code })
    await until(() => used(knex) === 0)
  }
  const deferred = await rejection(unitOfWork((db) => db('users').insert({ email: 'x', parent: 9 })))
  t.match(deferred, { code: 'DB_SESSION_CONSTRAINT', constraint: /fkey/ }, 'also at the COMMIT')
  t.match(deferred.cause, { code: '23503', detail: /9/ })
  t.same(await see(), [])
})

t.test('a unit of work runs again at most `retry` times', async (t) => {
  let runs = 0
  const sessions = new Set<DbSession>()
  const result = await unitOfWork(
    async (db) => {
      sessions.add(db)
      await add(db, `run ${++runs}`)
      if (runs < 3) await db.query(raise('40P01'))
      return runs
    },
    { retry: 2 },
  )
  t.equal(result, 3)
  t.equal(sessions.size, 3)
  t.same(await see(), ['run 3'])
  runs = 0
  const failing = (db: DbSession) => {
    runs++
    return db.query(raise('40001'))
  }
  const error = await rejection(unitOfWork(failing, { retry: 2 }))
  t.match(error, { code: 'DB_SESSION_SERIALIZATION' })
  t.equal(runs, 3)
})

t.test('a session that is used after the end of its unit of work is rejected', async (t) => {
  let saved: DbSession | undefined
  await unitOfWork(async (db) => {
    saved = db
    await add(db, 'a')
  })
  for (const late of [
    () => saved?.query("insert into users (email) values ('late')"),
    () => add(saved as DbSession, 'late'),
    () => saved?.savepoint((savepoint) => add(savepoint, 'late')),
    () => saved?.unitOfWork((unit) => add(unit, 'late')),
    () => saved?.commit(),
  ]) {
    t.match(await rejection((async () => late())()), { code: 'DB_SESSION_OVER' })
  }
  t.same(await see(), ['a'])
})

t.test('begin of a unit of work gets no request, and its statements are sent', async (t) => {
  const calls: unknown[] = []
  const withBegin = createUnitOfWork({
    knex,
    begin: (...args: unknown[]) => {
      calls.push(args[0])
      return "set local app.tenant = '7'"
    },
  })
  const tenant = async (db: DbSession) =>
    (await db.query("select current_setting('app.tenant') as t")).rows[0].t
  t.equal(await withBegin(tenant), '7')
  t.equal(await withBegin(tenant, { mode: 'read' }), '7')
  t.same(calls, [undefined, undefined])
})

t.test('query() takes a config', async (t) => {
  await unitOfWork(async (db) => {
    const { rows } = await db.query({
      text: 'select $1::int as a, $2::text as b',
      values: [1, 'x'],
      rowMode: 'array',
    })
    t.same(rows, [[1, 'x']])
    const named = { name: 'one', text: 'select $1::int as n' }
    if (!process.env.DB_SESSION_TEST_VIA) {
      for (const n of [1, 2]) t.same((await db.query({ ...named, values: [n] })).rows, [{ n }])
    }
    t.same((await db.query({ text: 'select 1 as one' })).rows, [{ one: 1 }])
  })
})

t.test('a unit of work needs no log, and awaits no afterCommit function', async (t) => {
  await unitOfWork(async (db) => {
    db.afterCommit(() => {
      throw new Error('of the work after the commit')
    })
    await add(db, 'a')
  })
  t.same(await see(), ['a'])
  const log: unknown[] = []
  const logger = Object.fromEntries(
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal'].map((level) => [
      level,
      (...args: unknown[]) => log.push(args),
    ]),
  )
  const logged = createUnitOfWork({ knex, log: logger as never })
  await logged(async (db) => {
    db.afterCommit(() => Promise.reject(new Error('of the work after the commit')))
    await add(db, 'b')
  })
  await until(() => log.length > 0, 'the log of the error')
})

t.test('close() waits for units of work under way, and rejects later ones', async (t) => {
  const own = openKnex(database.url)
  const closing = createUnitOfWork({ knex: own, closePools: true })
  let go = () => {}
  const gate = new Promise<void>((resolve) => {
    go = resolve
  })
  const underWay = closing(async (db) => {
    await add(db, 'under way')
    await gate
    await add(db, 'in time')
  })
  await until(() => used(own) === 1)
  let closed = false
  const close = closing.close().then(() => {
    closed = true
  })
  t.match(await rejection(closing(async (db) => add(db, 'late'))), { code: 'DB_SESSION_CLOSING' })
  t.notOk(closed)
  go()
  await underWay
  await close
  await t.resolves(closing.close(), 'close() can be called twice')
  t.same(await see(), ['under way', 'in time'])
  t.notOk(own.client.pool, 'the pool is closed, because of closePools')
})

t.test('close() does not close the knex that was passed in', async (t) => {
  const closing = createUnitOfWork({ knex })
  await closing((db) => add(db, 'a'))
  await closing.close()
  t.same(await knex('users').pluck('email'), ['a'])
})

t.test('unknown options and wrong arguments are rejected', async (t) => {
  t.throws(() => createUnitOfWork({ knex, acquireTimeout: 5 } as never), {
    code: 'DB_SESSION_OPTION_INVALID',
    message: /Did you mean `acquireTimeoutMs`\?/,
  })
  t.throws(() => createUnitOfWork({ knex, name: 'audit' } as never), { code: 'DB_SESSION_OPTION_INVALID' })
  t.throws(() => createUnitOfWork({} as never), { code: 'DB_SESSION_OPTION_INVALID' })
  for (const work of [undefined, null, 3, 'x', Promise.resolve()]) {
    t.throws(() => unitOfWork(work as never), TypeError)
    await unitOfWork(async (db) => t.throws(() => db.unitOfWork(work as never), TypeError))
  }
})

t.test('a unit of work inside a unit of work is rejected, and the outer one goes on', async (t) => {
  await unitOfWork(async (outer) => {
    await add(outer, 'outer')
    const error = await rejection(outer.unitOfWork((inner) => add(inner, 'inner')))
    t.match(error, { code: 'DB_SESSION_NESTED' })
  })
  t.same(await see(), ['outer'])
  t.equal(used(knex), 0)
})
