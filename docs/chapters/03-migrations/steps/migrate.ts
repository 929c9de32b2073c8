import { columnsOf, openUsers } from './columns.ts'

const knex = await openUsers()

// #region migrate
await knex.migrate.latest()
console.log('up:      ', await columnsOf(knex, 'users'))
console.log('rows:    ', await knex('users').select('id', 'email', 'phone_number').orderBy('id'))
console.log('recorded:', await knex('knex_migrations').pluck('name'))

const [, names] = await knex.migrate.latest()
console.log('again:   ', names)

await knex.migrate.down()
console.log('down:    ', await columnsOf(knex, 'users'))
// #endregion

await knex.destroy()
