import { dbSession } from '@auth-primer/db-session'
import Fastify from 'fastify'
import knexModule from 'knex'

const knex = knexModule({ client: 'pg', connection: process.env.DATABASE_URL as string })
const app = Fastify()
await app.register(dbSession, { knex, closePools: true })

// #region connection
const inUse = () => knex.client.pool.numUsed()

app.get('/users', async ({ db }) => {
  console.log('session exists, connections in use: ', inUse())
  const users = await db('users')
  console.log('after the first statement:          ', inUse())
  return users
})

await app.inject('/users')
console.log('after the response:                 ', inUse())
// #endregion

await app.close()
