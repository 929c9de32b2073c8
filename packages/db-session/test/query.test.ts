/** `db.query`: a statement straight over pg, within the session like any other. */
import t from 'tap'
import { openDatabase, rejection, start } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users, posts restart identity cascade'))
const INSERT = 'insert into users (email) values ($1) returning id, email'
const { app, knex, hit } = await start(t, database, (app) => {
  app.post('/users', async (request, reply) => {
    const { email, status } = request.query as { email: string; status?: string }
    const { rows, rowCount } = await request.db.query<{ id: number; email: string }>(INSERT, [email])
    return reply.code(Number(status ?? 201)).send({ ...rows[0], rowCount })
  })
  app.get('/one', { config: { db: { mode: 'read' } } }, async (request) => {
    const { rows } = await request.db.query<{ one: number }>('select 1 as one')
    return rows[0]
  })
  app.post('/write-in-a-read', { config: { db: { mode: 'read' } } }, async (request) =>
    request.db.query(INSERT, ['x']),
  )
  app.post('/with-a-builder', async (request) => {
    await request.db('users').insert({ email: 'by the builder' })
    const { rows } = await request.db.query('select email from users')
    return rows[0]
  })
  app.post('/swallowed', async (request) => {
    await request.db.query(INSERT, ['a'])
    await request.db.query('insert into users (email) values ($1)', ['a']).catch(() => {})
    return {}
  })
  app.post('/not-awaited', async (request) => {
    await request.db.query(INSERT, ['a'])
    request.db.query('select pg_sleep(60)')
    return {}
  })
})

const stored = async () =>
  (await database.other.query('select email from users order by id')).rows.map(({ email }) => email)

t.test('what it wrote is stored when the answer is good, and gives rows and their number', async (t) => {
  const { status, json, seen } = await hit('POST', '/users?email=a')
  t.equal(status, 201)
  t.match(json, { id: 1, email: 'a', rowCount: 1 })
  t.strictSame(seen, ['a'])
})

t.test('and is undone when it is not', async (t) => {
  t.match(await hit('POST', '/users?email=a&status=400'), { status: 400, seen: [] })
})

t.test('it takes a statement without values', async (t) => {
  t.match(await hit('GET', '/one'), { status: 200, json: { one: 1 } })
})

t.test('it sees what the builder did before it, in the same transaction', async (t) => {
  t.match(await hit('POST', '/with-a-builder'), { json: { email: 'by the builder' } })
})

t.test('a session of mode read refuses to write by it', async (t) => {
  const { status, json, seen } = await hit('POST', '/write-in-a-read')
  t.match({ status, json }, { status: 500, json: { code: 'DB_SESSION_READ_ONLY' } })
  t.strictSame(seen, [])
})

t.test('a constraint is a 409, and one whose error was swallowed lets nothing be stored', async (t) => {
  await hit('POST', '/users?email=a')
  t.match(await hit('POST', '/users?email=a'), { status: 409, json: { code: 'DB_SESSION_CONSTRAINT' } })
  await database.other.query('truncate users cascade')
  const { status, seen } = await hit('POST', '/swallowed')
  t.equal(status, 409)
  t.strictSame(seen, [])
})

t.test('one that was not awaited is a clear error, and nothing is stored', async (t) => {
  const { status, json, seen } = await hit('POST', '/not-awaited')
  t.match({ status, json }, { status: 500, json: { code: 'DB_SESSION_NOT_AWAITED' } })
  t.strictSame(seen, [])
})

t.test('in a savepoint it is undone with it', async (t) => {
  await app.unitOfWork(async (db) => {
    await db.query(INSERT, ['kept'])
    await rejection(
      db.savepoint(async (inner) => {
        await inner.query(INSERT, ['undone'])
        throw new Error('no')
      }),
    )
  })
  t.strictSame(await stored(), ['kept'])
})

t.test('once the session is over it is refused', async (t) => {
  const db = await app.unitOfWork(async (db) => db)
  t.match(await rejection(db.query('select 1')), { code: 'DB_SESSION_OVER' })
})

t.test('a value that cannot be sent is an error of that statement alone', async (t) => {
  const circular: Record<string, unknown> = {}
  circular.itself = circular
  await app.unitOfWork(async (db) => {
    t.match(await rejection(db.query('select $1::jsonb', [circular])), { name: 'TypeError' })
    await db.query(INSERT, ['afterwards'])
  })
  t.strictSame(await stored(), ['afterwards'])
})

t.test('a value that cannot be sent, in the only statement, leaves no transaction open', async (t) => {
  const circular: Record<string, unknown> = {}
  circular.itself = circular
  for (const mode of ['read', 'write'] as const) {
    await app.unitOfWork(async (db) => void (await rejection(db.query('select $1::jsonb', [circular]))), {
      mode,
    })
    const { rows } = await knex.raw(
      "select count(*)::int as open from pg_stat_activity where state like 'idle in transaction%' and datname = current_database()",
    )
    t.strictSame(rows, [{ open: 0 }], mode)
  }
})

t.test('the timeline has it, without its values', async (t) => {
  const events = await app.unitOfWork(async (db) => {
    await db.query(INSERT, ['secret'])
    return db.timeline
  })
  t.match(events, [{ kind: 'begin' }, { kind: 'query', sql: INSERT, rowCount: 1 }])
  t.notMatch(JSON.stringify(events), /secret/)
})

t.test('whoever listens to the queries of knex hears of it', async (t) => {
  const heard: unknown[] = []
  knex.on('query', ({ sql, bindings }) => heard.push([sql, bindings]))
  t.teardown(() => knex.removeAllListeners('query'))
  await app.unitOfWork((db) => db.query('select $1::int', [1]))
  t.strictSame(heard, [['select $1::int', [1]]])
})
