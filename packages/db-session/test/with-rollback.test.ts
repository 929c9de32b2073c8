import t from 'tap'
import { withRollback } from '../src/index.ts'
import { openDatabase, openKnex, rejection, start } from './setup.ts'

const database = await openDatabase(t)
const knex = openKnex(database.url)
const { app } = await start(
  t,
  database,
  (app) => {
    app.post<{ Querystring: { parent?: number; email: string } }>('/users', async (request, reply) => {
      const { email, parent = null } = request.query
      await request.db('users').insert({ email, parent })
      return reply.code(201).send({})
    })
    app.post('/fails', async (request) => {
      await request.db('users').insert({ email: 'fails' })
      throw new Error('no')
    })
    app.post('/read', { config: { db: { mode: 'read' } } }, async (request) =>
      request.db.from('users').insert({ email: 'no' }),
    )
    app.get('/users', { config: { db: { mode: 'read' } } }, async (request) =>
      request.db('users').pluck('email'),
    )
  },
  { knex },
)
const post = async (url: string) => (await app.inject({ method: 'POST', url })).statusCode

t.test('what is done within is seen within, and undone', async (t) => {
  const result = await withRollback(app, async () => {
    t.equal(await post('/users?email=ada'), 201)
    t.equal(await post('/users?email=ada'), 409, 'an error undoes its own session alone')
    t.equal(await post('/users?email=child&parent=99'), 409, 'what is deferred to the commit is checked')
    t.equal(await post('/fails'), 500)
    t.equal(await post('/read'), 500, 'mode read stays read')
    await app.unitOfWork((db) => db('users').insert({ email: 'unit' }))
    t.same((await app.inject('/users')).json(), ['ada', 'unit'])

    await knex('users').insert({ email: 'plain' })
    await rejection(knex('users').insert({ email: 'plain' }) as never)
    await knex.transaction((trx) => trx('users').insert({ email: 'trx' }))
    await rejection(
      knex.transaction(async (trx) => {
        await trx('users').insert({ email: 'undone' })
        throw new Error('no')
      }),
    )
    t.same(await knex('users').pluck('email'), ['ada', 'unit', 'plain', 'trx'])
    t.same(await database.see('select email from users'), [])
    return 'result'
  })
  t.equal(result, 'result')
  t.same(await database.see('select email from users'), [])
})

t.test('what is done after it stays', async (t) => {
  await rejection(
    withRollback(app, async () => {
      await post('/users?email=x')
      throw new Error('no')
    }),
  )
  t.equal(await post('/users?email=kept'), 201)
  t.same(await database.see('select email from users'), ['kept'])
  t.same(await knex('users').pluck('email'), ['kept'])
})
