/** `db.query`: a statement without the builder of knex, in the same session. */
import t from 'tap'
import type { DbSession } from '../src/index.ts'
import { openDatabase, rejection, start, used } from './setup.ts'

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
})

const committed = async () =>
  (await database.other.query('select email from users order by id')).rows.map(({ email }) => email)

t.test('query() resolves with the rows and their count, and a 201 commits', async (t) => {
  const { status, json, seen } = await hit('POST', '/users?email=a')
  t.equal(status, 201)
  t.match(json, { id: 1, email: 'a', rowCount: 1 })
  t.strictSame(seen, ['a'])
})

t.test('a 400 rolls query() back', async (t) => {
  t.match(await hit('POST', '/users?email=a&status=400'), { status: 400, seen: [] })
})

t.test('query() takes a statement without values', async (t) => {
  t.match(await hit('GET', '/one'), { status: 200, json: { one: 1 } })
})

t.test('query() and the builder of knex share one transaction', async (t) => {
  t.match(await hit('POST', '/with-a-builder'), { json: { email: 'by the builder' } })
})

t.test("query() cannot write in a session with mode 'read'", async (t) => {
  const { status, json, seen } = await hit('POST', '/write-in-a-read')
  t.match({ status, json }, { status: 500, json: { code: 'DB_SESSION_READ_ONLY' } })
  t.strictSame(seen, [])
})

t.test('a constraint that query() breaks is a 409, even if the error is swallowed', async (t) => {
  await hit('POST', '/users?email=a')
  t.match(await hit('POST', '/users?email=a'), { status: 409, json: { code: 'DB_SESSION_CONSTRAINT' } })
  await database.other.query('truncate users cascade')
  const { status, seen } = await hit('POST', '/swallowed')
  t.equal(status, 409)
  t.strictSame(seen, [])
})

t.test('a value that cannot be sent fails the transaction, and the connection is released', async (t) => {
  const circular: Record<string, unknown> = {}
  circular.itself = circular
  for (const mode of ['read', 'write'] as const) {
    const work = async (db: DbSession) => {
      if (mode === 'write') await db.query(INSERT, ['before'])
      t.match(await rejection(db.query('select $1::jsonb', [circular])), { name: 'TypeError' })
      return (await db.query('select 1 as one')).rows[0].one
    }
    // in mode 'read' each statement is a separate transaction
    if (mode === 'read') t.equal(await app.unitOfWork(work, { mode }), 1)
    else t.match(await rejection(app.unitOfWork(work)), { code: 'DB_SESSION_TRANSACTION_FAILED' })
    t.equal(used(knex), 0)
  }
  t.strictSame(await committed(), [])
})

t.test('the timeline shows the text of query() without its values', async (t) => {
  const events = await app.unitOfWork(async (db) => {
    await db.query(INSERT, ['secret'])
    return db.timeline
  })
  t.match(events, [{ kind: 'begin' }, { kind: 'query', sql: INSERT, rowCount: 1 }])
  t.notMatch(JSON.stringify(events), /secret/)
})

t.test('knex emits its event `query` for query()', async (t) => {
  const emitted: unknown[] = []
  knex.on('query', ({ sql, bindings }) => emitted.push([sql, bindings]))
  t.teardown(() => knex.removeAllListeners('query'))
  await app.unitOfWork((db) => db.query('select $1::int', [1]))
  t.strictSame(emitted, [['select $1::int', [1]]])
})
