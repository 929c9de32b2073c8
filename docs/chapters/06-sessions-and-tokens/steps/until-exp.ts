import { randomBytes } from 'node:crypto'
import knexModule from 'knex'
import { signUp } from '../../05-creating-users/solution/sign-up.ts'
import { buildApp } from '../solution/app.ts'

const { DATABASE_URL = '' } = process.env
const secret = randomBytes(32).toString('base64url')
const body = { email: 'ada@example.com', password: 'tomatoes in june' }

const knex = knexModule({ client: 'pg', connection: DATABASE_URL })
await signUp(knex, body.email, body.password)
await knex.destroy()

// #region clock
let now = Date.parse('2026-11-22T12:00:00Z')
const app = await buildApp({ databaseUrl: DATABASE_URL, secret, now: () => now })
// #endregion

const { access_token } = (await app.inject({ method: 'POST', url: '/login', body })).json()
const headers = { authorization: `Bearer ${access_token}` }

// #region wait
for (const time of ['12:00:00', '12:29:59', '12:30:00']) {
  now = Date.parse(`2026-11-22T${time}Z`)
  const { statusCode } = await app.inject({ url: '/token/me', headers })
  console.log(time, statusCode)
}
// #endregion

await app.close()
