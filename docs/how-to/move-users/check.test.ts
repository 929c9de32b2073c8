import { readFile } from 'node:fs/promises'
import bcrypt from 'bcrypt'
import t from 'tap'
import { openDatabase } from '../../check/database.ts'
import { logIn } from './log-in.ts'

const { knex } = await openDatabase(t, new URL('users.sql', import.meta.url))
const stored = async (email: string) => (await knex('users').where({ email }).first()).password

for (const [email, password, after = '$2b$12$'] of [
  ['python@example.com', 'p@5sw0rd'],
  ['php@example.com', 'password2345'],
  ['passlib@example.com', 'password', '$bcrypt-sha256$v=2,t=2b,r=12'],
  ['django@example.com', 'correct horse battery staple'],
] as const) {
  t.test(`${email} logs in with the old hash, and with the new one`, async (t) => {
    t.equal(await logIn(knex, email, `${password}!`), undefined)
    t.type(await logIn(knex, email, password), 'number')
    t.ok((await stored(email)).startsWith(after), 'not weaker than today’s')
    t.type(await logIn(knex, email, password), 'number')
  })
}

t.test('a password that an old bcrypt cut off still logs in, with its old hash', async (t) => {
  const long = 'x'.repeat(80)
  await knex('users').insert({ email: 'long@example.com', password: await bcrypt.hash(long, 10) })
  t.type(await logIn(knex, 'long@example.com', long), 'number')
  t.type(await logIn(knex, 'long@example.com', long), 'number')
})

t.test('another scheme is no log-in, and the query finds it', async (t) => {
  t.equal(await logIn(knex, 'other@example.com', 'password'), undefined)
  const { rows } = await knex.raw(await readFile(new URL('left.sql', import.meta.url), 'utf8'))
  t.same(
    Object.fromEntries(rows.map(({ scheme, count }: { scheme: string; count: number }) => [scheme, count])),
    {
      $2b$10$: 1,
      $2b$12$: 3,
      $bcrypt: 1,
      $pbkdf2: 1,
    },
  )
})
