import { randomBytes } from 'node:crypto'
import knexModule from 'knex'
import { signUp } from '../../05-creating-users/solution/sign-up.ts'
import { buildApp } from '../solution/app.ts'

// Without JWT_SECRET, a secret for this step only. A service reads it from its settings, or every restart ends all tokens.
const { DATABASE_URL = '', JWT_SECRET = randomBytes(32).toString('base64url'), PORT = '3000' } = process.env

const knex = knexModule({ client: 'pg', connection: DATABASE_URL })
if (!(await knex('users').first())) await signUp(knex, 'ada@example.com', 'tomatoes in june')
await knex.destroy()

const app = await buildApp({ databaseUrl: DATABASE_URL, secret: JWT_SECRET })
const address = await app.listen({ host: '127.0.0.1', port: Number(PORT) })
console.log(`Listening on ${address}`)
