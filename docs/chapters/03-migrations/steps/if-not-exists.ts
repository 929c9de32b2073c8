import { columnsOf, openUsers } from './columns.ts'

const knex = await openUsers()

// #region if-not-exists
console.log('before:', await columnsOf(knex, 'users'))

await knex.raw(`
  CREATE TABLE IF NOT EXISTS users (
    id serial PRIMARY KEY,
    email text NOT NULL UNIQUE,
    password text NOT NULL,
    role text NOT NULL DEFAULT 'user',
    created_at timestamptz NOT NULL DEFAULT now(),
    phone_number text
  )
`)

console.log('after: ', await columnsOf(knex, 'users'))
// #endregion

await knex.destroy()
