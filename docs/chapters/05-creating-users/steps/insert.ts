import { hash } from '@auth-primer/auth-hash'
import knexModule from 'knex'

const knex = knexModule({ client: 'pg', connection: process.env.DATABASE_URL as string })

// #region insert
const password = await hash('tomatoes in june')
const [ada] = await knex('users').insert({ email: 'ada@example.com', password }).returning('*')
console.log(ada)

await knex('users')
  .insert({ email: 'ADA@example.com', password })
  .catch((error: Error) => console.log(error.message.split(' - ')[1]))
// #endregion

await knex.destroy()
