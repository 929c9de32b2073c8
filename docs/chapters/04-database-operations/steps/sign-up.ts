import knexModule from 'knex'
import { buildApp } from '../solution/app.ts'

const knex = knexModule({ client: 'pg', connection: process.env.DATABASE_URL as string })
const app = await buildApp(knex)

// #region watch
app.addHook('onResponse', async (request) => {
  for (const { kind, sql } of request.db.timeline) console.log(kind.padEnd(8), sql)
})
// #endregion

// #region sign-up
const signUp = async (email: string, title: string) => {
  const { statusCode } = await app.inject({ method: 'POST', url: '/users', payload: { email, title } })
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
