import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import knexModule, { type Knex } from 'knex'

/** Opens the app under test, `app.ts` or the one in APP, with the database in DATABASE_URL and two users. */
export async function openApp() {
  const { APP = 'app.ts', DATABASE_URL = '' } = process.env
  const { build } = (await import(
    pathToFileURL(resolve(import.meta.dirname, APP)).href
  )) as typeof import('./app.ts')
  const knex = knexModule({ client: 'pg', connection: DATABASE_URL })
  const [ada, bob] = await addUsers(knex).finally(() => knex.destroy())

  // Any secret does: the tokens of a test are for its own app.
  const secret = randomBytes(32).toString('base64url')
  const app = await build({ databaseUrl: DATABASE_URL, secret, maxConnections: 4 })
  const logIn = (id: number) => ({ authorization: `Bearer ${app.issueToken({ id })}` })
  return { app, ada: logIn(ada), bob: logIn(bob) }
}

/** Adds Ada and Bob, unless they are there, and returns their ids. */
export async function addUsers(knex: Knex): Promise<[ada: number, bob: number]> {
  const emails = ['ada@example.com', 'bob@example.com']
  await knex('users')
    .insert(emails.map((email) => ({ email, password: 'nobody logs in here' })))
    .onConflict()
    .ignore()
  return (await knex('users').whereIn('email', emails).orderBy('email').pluck('id')) as [number, number]
}
