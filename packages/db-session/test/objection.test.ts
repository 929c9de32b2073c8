/** Objection through a session: its graphs, its eager loading, its transactions and its errors. */
import { Model, transaction } from 'objection'
import t from 'tap'
import { openDatabase, rejection, start, used } from './setup.ts'

const database = await openDatabase(t)
t.beforeEach(() => database.other.query('truncate users, posts restart identity cascade'))

class User extends Model {
  static override tableName = 'users'
  declare id: number
  declare email: string
  declare posts?: Post[]
  static override relationMappings = () => ({
    posts: {
      relation: Model.HasManyRelation,
      modelClass: Post,
      join: { from: 'users.id', to: 'posts.owner_id' },
    },
  })
}
class Post extends Model {
  static override tableName = 'posts'
  declare id: number
  declare owner_id: number
  declare title: string
  declare owner?: User
  static override relationMappings = () => ({
    owner: {
      relation: Model.BelongsToOneRelation,
      modelClass: User,
      join: { from: 'posts.owner_id', to: 'users.id' },
    },
  })
}

const graph = (email: string) => ({ email, posts: [{ title: 'a' }, { title: 'b' }] }) as never
const { app, hit, knex } = await start(
  t,
  database,
  (app) => {
    app.post('/graph', async (request, reply) => {
      const user = await User.query(request.db).insertGraphAndFetch(graph('ada'))
      return reply.code(201).send(user)
    })
    app.post('/graph/no', async (request, reply) => {
      await User.query(request.db).insertGraph(graph('bob'))
      return reply.code(422).send()
    })
    app.post('/graph/conflict', async (request) => {
      await User.query(request.db).insertGraph([graph('cy'), graph('cy')])
    })
    app.put('/graph/:id', async (request) => {
      const { id } = request.params as { id: string }
      const user = await User.query(request.db).findById(id).withGraphFetched('posts').throwIfNotFound()
      const [first] = user.posts as [Post]
      const posts = [{ id: first.id, title: 'changed' }, { title: 'new' }]
      return User.query(request.db).upsertGraphAndFetch({ id: user.id, posts } as never)
    })
    app.get('/users', { config: { db: { mode: 'read' } } }, async (request) =>
      User.query(request.db).withGraphFetched('posts.owner').orderBy('id'),
    )
    app.get('/joined', { config: { db: { mode: 'read' } } }, async (request) =>
      Post.query(request.db).withGraphJoined('owner').where('owner.email', 'ada').orderBy('posts.id'),
    )
    app.get('/page', { config: { db: { mode: 'read' } } }, async (request) =>
      Post.query(request.db).orderBy('id').page(0, 1),
    )
    app.post('/related/:id', async (request) => {
      const user = await User.query(request.db).findById((request.params as { id: string }).id)
      await user?.$relatedQuery('posts', request.db).insert({ title: 'related' } as never)
      await User.relatedQuery('posts', request.db)
        .for(user?.id as number)
        .where('title', 'a')
        .delete()
      await user?.$fetchGraph('posts', { transaction: request.db as never })
      return user
    })
    app.patch('/users/:id', async (request) => {
      const { id } = request.params as { id: string }
      const user = await User.query(request.db).patchAndFetchById(id, { email: 'patched' }).throwIfNotFound()
      await user.$query(request.db).patchAndFetch({ email: `${user.email} twice` })
      return user
    })
    for (const [path, begin] of Object.entries({
      model: (db: unknown, work: (trx: never) => Promise<unknown>) =>
        User.transaction(db as never, work as never),
      knex: (db: { transaction: unknown }, work: (trx: never) => Promise<unknown>) =>
        (db.transaction as (work: unknown) => Promise<unknown>)(work),
      function: (db: unknown, work: (trx: never) => Promise<unknown>) =>
        transaction(db as never, work as never),
      bound: (db: unknown, work: (trx: never) => Promise<unknown>) =>
        transaction(User.bindKnex(db as never), (Bound) => work(Bound.knex() as never)),
    })) {
      app.post(`/transaction/${path}`, async (request) => {
        await User.query(request.db).insert({ email: 'outer' })
        await begin(request.db, async (trx) => User.query(trx).insert({ email: 'kept' }))
        await begin(request.db, async (trx) => {
          await User.query(trx).insert({ email: 'undone' })
          throw new Error('no')
        }).catch(() => {})
        return {}
      })
    }
    app.post('/start', async (request) => {
      await User.query(request.db).insert({ email: 'outer' })
      await User.startTransaction(request.db as never)
      return {}
    })
    app.post('/start/goes-on', async (request) => {
      const trx = await User.startTransaction(request.db as never)
      await User.query(trx).insert({ email: 'inner' })
      await trx.commit()
      return {}
    })
  },
  { max: 2 },
)

t.test('a graph', async (t) => {
  t.test('insertGraph commits with the response', async (t) => {
    const response = await hit('POST', '/graph')
    t.match(response, {
      status: 201,
      seen: ['ada'],
      json: { id: 1, posts: [{ owner_id: 1 }, { owner_id: 1 }] },
    })
    t.same(await database.see('select title from posts'), ['a', 'b'])
  })
  t.test('insertGraph rolls back completely if one row fails', async (t) => {
    t.match(await hit('POST', '/graph/no'), { status: 422, seen: [] })
    t.match(await hit('POST', '/graph/conflict'), {
      status: 409,
      json: { code: 'DB_SESSION_CONSTRAINT' },
      seen: [],
    })
    t.same(await database.see('select title from posts'), [])
  })
  t.test('upsertGraph deletes, updates and inserts in the session', async (t) => {
    await hit('POST', '/graph')
    t.match(await hit('PUT', '/graph/1'), {
      status: 200,
      json: { posts: [{ owner_id: 1 }, { owner_id: 1 }] },
    })
    t.same(await database.see('select title from posts order by title'), ['changed', 'new'])
    t.match(await hit('PUT', '/graph/99'), { status: 404 }, "Objection's own not-found error")
  })
  t.test('a graph is loaded with its relations on one connection', async (t) => {
    await hit('POST', '/graph')
    t.match(JSON.parse((await hit('GET', '/users')).body), [
      { email: 'ada', posts: [{ title: 'a', owner: { email: 'ada' } }, { owner: { email: 'ada' } }] },
    ])
    t.match(JSON.parse((await hit('GET', '/joined')).body), [{ owner: { email: 'ada' } }, { title: 'b' }])
    t.match((await hit('GET', '/page')).json, { total: 2, results: [{ title: 'a' }] })
  })
})

t.test('$relatedQuery and single rows read and write in the session', async (t) => {
  await hit('POST', '/graph')
  t.same(
    ((await hit('POST', '/related/1')).json.posts as { title: string }[]).map(({ title }) => title).sort(),
    ['b', 'related'],
  )
  t.match(await hit('PATCH', '/users/1'), {
    status: 200,
    json: { email: 'patched twice' },
    seen: ['patched twice'],
  })
  t.equal((await hit('PATCH', '/users/99')).status, 404)
})

t.test('a transaction of Objection is a savepoint of the session', async (t) => {
  for (const path of ['model', 'knex', 'function', 'bound']) {
    t.test(`a transaction of Objection commits and rolls back as a savepoint: ${path}`, async (t) => {
      t.match(await hit('POST', `/transaction/${path}`), { status: 200, seen: ['outer', 'kept'] })
    })
  }
  t.test('startTransaction() of Objection is an error', async (t) => {
    for (const path of ['/start', '/start/goes-on'])
      t.match(await hit('POST', path), { status: 500, json: { code: /^DB_SESSION_/ }, seen: [] })
  })
  t.equal(used(knex), 0)
})

t.test('an error of Objection in a unit of work has the error of pg as its cause', async (t) => {
  await hit('POST', '/graph')
  const error = await rejection(app.unitOfWork((db) => User.query(db).insert({ email: 'ada' }) as never))
  t.equal(error.code, 'DB_SESSION_CONSTRAINT')
  t.equal((error.cause as { code?: string }).code, '23505')
})
