import type { Knex } from 'knex'
import { Model, snakeCaseMappers } from 'objection'
import t from 'tap'
import { faceOf } from '../src/face.ts'
import type { DbSession } from '../src/index.ts'
import { openDatabase, openKnex, rejection, start } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users, posts restart identity cascade'))

class User extends Model {
  static override tableName = 'users'
  static override columnNameMappers = snakeCaseMappers()
  declare id: number
  declare email: string
  declare posts?: Post[]
  static override relationMappings = () => ({
    posts: {
      relation: Model.HasManyRelation,
      modelClass: Post,
      join: { from: 'users.id', to: 'posts.owner_id' },
    },
    more: {
      relation: Model.HasManyRelation,
      modelClass: Post,
      join: { from: 'users.id', to: 'posts.owner_id' },
    },
  })
}
class Post extends Model {
  static override tableName = 'posts'
  static override columnNameMappers = snakeCaseMappers()
  declare id: number
  declare ownerId: number
  declare title: string
}

const knex = openKnex(database.url)
const { app } = await start(t, database, () => {}, { knex, bindings: true })
const unit = <T>(work: (db: DbSession) => Promise<T>) => app.unitOfWork(work)

t.test('warns of nothing when statements are not awaited one by one', async (t) => {
  const warnings: string[] = []
  const listen = (warning: Error) => warnings.push(warning.message)
  process.on('warning', listen)
  const results = await unit(async (db) =>
    Promise.all([1, 2, 3, 4].map((n) => db.raw('select ?::int as n', [n]))),
  )
  t.same(
    results.map((result) => result.rows[0].n),
    [1, 2, 3, 4],
  )
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', listen)
  t.same(warnings, [])
})

t.test("knex's query builder", async (t) => {
  await unit(async (db) => {
    const [user] = await db('users').insert({ email: 'ada' }).returning('*')
    t.equal(user.email, 'ada')
    t.same(await db.select('email').from('users').where('id', user.id).first(), { email: 'ada' })
    t.equal(await db('users').where({ id: user.id }).update({ email: 'Ada' }), 1)
    t.same(await db('users').pluck('email'), ['Ada'])
    t.same(await db.with('u', db('users')).select(db.ref('u.email')).from('u'), [{ email: 'Ada' }])
    t.same(await db.queryBuilder().from('users').count({ n: '*' }), [{ n: '1' }])
    t.type((await db.select({ now: db.fn.now() }).first())?.now, Date)
    t.same((await db.raw('select ? as one', ['1'])).rows, [{ one: '1' }])
    t.equal(await db.schema.hasTable('users'), true)
    t.same(
      await knex('users')
        .transacting(db as never)
        .pluck('email'),
      ['Ada'],
      'of the knex, told to use the session',
    )
    await db.batchInsert('posts', [{ title: 'a' }, { title: 'b' }], 1)
    t.equal(await db('posts').where('title', 'a').del(), 1)
    t.equal(db.isTransaction, true)
    t.equal((db as unknown as Knex.Transaction).isCompleted(), false)
    t.same(db.userParams, {})
  })
  t.same(await database.see('select title from posts'), ['b'])
})

t.test('a session has every member of a knex', (t) => {
  const session = faceOf(knex, 'write')({} as never)
  const missing = Object.getOwnPropertyNames(knex).filter((name) => !(name in session))
  // of Node's EventEmitter, of make-knex's insides, and names of plain functions
  const events = [
    'on',
    'once',
    'off',
    'emit',
    'addListener',
    'removeListener',
    'removeAllListeners',
    'listeners',
    'rawListeners',
  ]
  t.same(missing.filter((name) => !name.startsWith('_') && !events.includes(name)).sort(), [
    // names that knex lists and its builders lack
    'andWhereJsonNotSubsetOf',
    'andWhereJsonNotSupersetOf',
    'andWhereJsonSubsetOf',
    'andWhereJsonSupersetOf',
    'context',
    'disableProcessing',
    'enableProcessing',
    'eventNames',
    'getMaxListeners',
    'listenerCount',
    'prependListener',
    'prependOnceListener',
    'prototype',
    'setMaxListeners',
  ])
  t.end()
})

t.test('Objection', async (t) => {
  await unit(async (db) => {
    const user = await User.query(db).insert({ email: 'ada' })
    t.equal(user.id, 1)
    const graph = await User.query(db).insertGraphAndFetch({
      email: 'bob',
      posts: [{ title: 'a' }, { title: 'b' }],
    } as never)
    t.equal(graph.posts?.length, 2)
    await User.query(db).upsertGraph({ id: graph.id, posts: [{ title: 'c' }] } as never)
    const eager = await User.query(db).withGraphFetched('[posts, more]').orderBy('id')
    t.same(
      eager.map((u) => u.posts?.map((p) => p.title)),
      [[], ['c']],
    )
    const joined = await User.query(db).withGraphJoined('posts').findById(graph.id)
    t.equal(joined?.posts?.[0]?.ownerId, graph.id)
    await Model.transaction(db as never, async (trx) => {
      await User.query(trx).insert({ email: 'nested' })
      throw new Error('undo')
    }).catch(() => {})
    await User.bindTransaction(db as never)
      .query()
      .insert({ email: 'bound' })
  })
  t.same(await database.see('select email from users order by id'), ['ada', 'bob', 'bound'])
  t.same(await database.see('select title from posts'), ['c'])
  const error = await rejection(unit(async (db) => await User.query(db).insert({ email: 'ada' })))
  t.equal(error.constructor.name, 'UniqueViolationError', 'its errors are its own')
})

t.test('the events of knex', async (t) => {
  const seen: string[] = []
  knex.on('query', ({ sql }) => seen.push(sql))
  await unit((db) => db('users').where('id', 1))
  t.same(seen, ['select * from "users" where "id" = $1'])
})

t.test('a statement that fails', async (t) => {
  await database.other.query("insert into users (email) values ('secret')")
  const error = await rejection(unit((db) => db('users').insert({ email: 'secret' })))
  t.equal(error.code, '23505')
  t.notMatch(error.message, 'secret')
})

t.test('a value that cannot be sent spares the transaction', async (t) => {
  const bad = {
    toPostgres() {
      throw new Error('no value')
    },
  }
  await unit(async (db) => {
    t.equal((await rejection(db.raw('select ?', [bad as never]) as never)).message.includes('no value'), true)
    await db('users').insert({ email: 'first' })
    t.equal((await rejection(db.raw('select ?', [bad as never]) as never)).message.includes('no value'), true)
    await db('users').insert({ email: 'second' })
  })
  t.same(await database.see('select email from users'), ['first', 'second'])
})

t.test("knex's time-out of a statement", async (t) => {
  const error = await rejection(
    unit(async (db) => await db.raw('select pg_sleep(60)').timeout(20, { cancel: true })),
  )
  t.equal(error.name, 'KnexTimeoutError')
  await unit((db) => db.raw('select 1'))
})

t.test('what would leave the session is refused', async (t) => {
  await unit(async (db) => {
    for (const use of [
      () => db.destroy(),
      () => db.initialize(),
      () => db.withUserParams({}),
      () => db.transactionProvider(),
      () => db.migrate,
      () => db.seed,
    ]) {
      t.throws(use, { code: 'DB_SESSION_NOT_ON_A_SESSION' })
    }
    for (const use of [
      () => db.transaction(),
      () => db.transaction(async () => {}, { isolationLevel: 'serializable' }),
      () => db.transaction(() => {}),
      () => db.savepoint((inner) => inner.commit()),
    ]) {
      t.equal((await rejection(use())).code, 'DB_SESSION_NOT_ON_A_SESSION')
    }
    t.equal((await db.raw('select 1 as one')).rows[0].one, 1, 'and harms nothing')
  })
})
