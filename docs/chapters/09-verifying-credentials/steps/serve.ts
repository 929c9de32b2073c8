import { createHasher } from '@auth-primer/auth-hash'
import knex from 'knex'
import { buildApp } from '../app.ts'
import { login } from '../solution/login.ts'

const db = knex({ client: 'pg', connection: process.env.DATABASE_URL as string, pool: { min: 0, max: 5 } })
const password = await createHasher({ cost: 10 }).hash('tomatoes in june')
await db('users').insert({ email: 'ada@example.com', password })

const app = await buildApp(db, login)
const address = await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) })
console.log(`Swagger UI is at ${address}/docs`)
