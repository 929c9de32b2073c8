import { compare, explain } from '@auth-primer/auth-hash'
import bcrypt from 'bcrypt'
import t from 'tap'
import { openDatabase } from '../../check/database.ts'
import { buildApp } from './app.ts'

const { knex } = await openDatabase(t, new URL('users.sql', import.meta.url))
const app = await buildApp(knex)
t.teardown(() => app.close())
const post = (url: string, email: string, password: string) =>
  app.inject({ method: 'POST', url, body: { email, password } })
const stored = async (email: string) => (await knex('users').where({ email }).first()).password

t.test('a user who signed up can log in, and the table has a hash of the password', async (t) => {
  t.equal((await post('/users', 'ada@example.com', 'tomatoes in june')).statusCode, 201)
  t.ok(await compare('tomatoes in june', await stored('ada@example.com')))
  t.equal((await post('/login', 'ada@example.com', 'tomatoes in june')).statusCode, 200)
})

t.test('a wrong password and an unknown email get the same response', async (t) => {
  const wrong = await post('/login', 'ada@example.com', 'tomatoes in july')
  const unknown = await post('/login', 'bob@example.com', 'tomatoes in july')
  t.equal(wrong.statusCode, 403)
  t.same([unknown.statusCode, unknown.body], [wrong.statusCode, wrong.body])
})

t.test('a weak hash is replaced when its user logs in', async (t) => {
  await knex('users').insert({ email: 'old@example.com', password: await bcrypt.hash('tomatoes in june', 4) })
  t.equal((await post('/login', 'old@example.com', 'tomatoes in july')).statusCode, 403)
  t.equal(explain(await stored('old@example.com')).cost, 4, 'a wrong password does not replace the hash')
  t.equal((await post('/login', 'old@example.com', 'tomatoes in june')).statusCode, 200)
  t.equal(explain(await stored('old@example.com')).cost, 12)
})

t.test('a password of 73 bytes is a 400 with the code of the error', async (t) => {
  const { statusCode, body } = await post('/users', 'long@example.com', 'x'.repeat(73))
  t.equal(statusCode, 400)
  t.match(body, 'AUTH_HASH_PASSWORD_TOO_LONG')
})
