import knexModule from 'knex'
import { createTables } from '../../../migrations/create-tables.ts'
import { createTestDatabase } from '../../../tools/postgres/src/testing.ts'

const { url, drop } = await createTestDatabase()

// #region connect
const knex = knexModule({ client: 'pg', connection: url })
// #endregion
await createTables(knex, 'posts')

// #region raw
const insert = 'INSERT INTO users (email, password) VALUES (?, ?) RETURNING id, email'
const { rows } = await knex.raw(insert, ['ada@example.com', 'a hash'])
console.log(rows)
// #endregion

// #region builder
const [post] = await knex('posts')
  .insert({ title: 'Tomatoes', content: '', owner_id: 1 })
  .returning(['id', 'title'])
console.log(post)

const query = knex('posts').join('users', 'users.id', 'owner_id').where({ title: 'Tomatoes' }).select('email')
console.log(query.toSQL().sql)
console.log(await query)
// #endregion

// #region injection
const search = "' OR true --"
const unsafe = await knex.raw(`SELECT email FROM users WHERE email = '${search}'`)
const safe = await knex.raw('SELECT email FROM users WHERE email = ?', [search])
console.log('in the text:', unsafe.rows, 'as a value:', safe.rows)
// #endregion

// #region transaction
await knex
  .transaction(async (trx) => {
    await trx('posts').del()
    throw new Error('something went wrong')
  })
  .catch(({ message }) => console.log(message))
console.log(await knex('posts').count())
// #endregion

await knex.destroy()
await drop()
