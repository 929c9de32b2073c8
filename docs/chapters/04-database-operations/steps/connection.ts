import { dbSession } from '@auth-primer/db-session'
import Fastify from 'fastify'
import knexModule from 'knex'

const knex = knexModule({ client: 'pg', connection: process.env.DATABASE_URL as string })
const app = Fastify()
await app.register(dbSession, { knex })

// #region connection
const held = () => knex.client.pool.numUsed()

app.get('/users', async ({ db }) => {
  console.log('the session is there, connections held:', held())
  const users = await db('users')
  console.log('after its first statement:             ', held())
  return users
})

await app.inject('/users')
console.log('after the answer:                      ', held())
// #endregion

await app.close()
await knex.destroy()
