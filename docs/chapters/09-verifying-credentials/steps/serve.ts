import { randomBytes } from 'node:crypto'
import knexModule from 'knex'
import { signUp } from '../../05-creating-users/solution/sign-up.ts'
import { buildApp } from '../app.ts'
import { login } from '../solution/login.ts'

const { DATABASE_URL = '', PORT = '3000' } = process.env

const knex = knexModule({ client: 'pg', connection: DATABASE_URL })
await signUp(knex, 'ada@example.com', 'tomatoes in june')
await knex.destroy()

// A secret for this step. A service reads it from its settings, or every restart ends all tokens.
const app = await buildApp(
  { databaseUrl: DATABASE_URL, secret: randomBytes(32).toString('base64url') },
  login,
)
const address = await app.listen({ host: '127.0.0.1', port: Number(PORT) })
console.log(`Swagger UI is at ${address}/docs`)
