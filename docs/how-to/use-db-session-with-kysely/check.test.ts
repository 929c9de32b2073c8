import t from 'tap'
import { openDatabase } from '../../check/database.ts'
import { buildApp } from './app.ts'

const { knex } = await openDatabase(t, new URL('users.sql', import.meta.url))
const app = await buildApp(knex)
t.teardown(() => app.close())
const post = (email: string) => app.inject({ method: 'POST', url: '/users', payload: { email } })

t.test('Kysely writes and reads in the session of the request', async (t) => {
  t.equal((await post('ada@example.org')).statusCode, 201)
  t.same((await app.inject('/users')).json(), [{ email: 'ada@example.org' }])
})

t.test(
  'an error of Kysely rolls the session back, and the response has the status of the constraint',
  async (t) => {
    t.equal((await post('ada@example.org')).statusCode, 409)
    t.same(await knex('users').pluck('email'), ['ada@example.org'])
  },
)

t.test("Kysely's own transaction is an error", async (t) => {
  t.equal((await app.inject({ method: 'POST', url: '/transaction' })).statusCode, 500)
})

t.test('Kysely counts the rows that a statement changed', async (t) => {
  t.same((await app.inject({ method: 'DELETE', url: '/users' })).json(), { deleted: 1 })
})
