import { readFile } from 'node:fs/promises'
import knexModule from 'knex'
import { buildApp } from '../solution/app.ts'

const { DATABASE_URL = '' } = process.env
const knex = knexModule({ client: 'pg', connection: DATABASE_URL })
await knex.raw(await readFile(new URL('../titles.sql', import.meta.url), 'utf8'))
const app = await buildApp({ databaseUrl: DATABASE_URL })

// #region watch
app.addHook('onResponse', async (request) => {
  for (const { kind, sql } of request.db.timeline) console.log(kind.padEnd(8), sql)
})
// #endregion

// #region sign-up
const signUp = async (email: string, title: string) => {
  const payload = { email, title, content: 'Mulch them.' }
  const { statusCode } = await app.inject({ method: 'POST', url: '/users', payload })
  console.log(`${statusCode} ${email}\n`)
}

await signUp('ada@example.com', 'Tomatoes')
await signUp('bob@example.com', 'Tomatoes')

await knex.raw("ALTER TABLE posts ADD CHECK (title <> 'Nettles')")
await signUp('eve@example.com', 'Nettles')

console.log('stored:', await knex('users').pluck('email'))
// #endregion

await app.close()
await knex.destroy()
