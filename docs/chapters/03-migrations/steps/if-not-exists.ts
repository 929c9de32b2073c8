import knexModule from 'knex'
import { columnsOf } from './columns.ts'

const knex = knexModule({ client: 'pg', connection: process.env.DATABASE_URL as string })

// #region if-not-exists
console.log('before:', await columnsOf(knex, 'users'))

await knex.raw(`
  CREATE TABLE IF NOT EXISTS users (
    id serial PRIMARY KEY,
    email text NOT NULL UNIQUE,
    phone_number text
  )
`)

console.log('after: ', await columnsOf(knex, 'users'))
// #endregion

await knex.destroy()
