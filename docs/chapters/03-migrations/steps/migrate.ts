import knexModule from 'knex'
import { columnsOf } from './columns.ts'
import { migrationSource } from './source.ts'

const knex = knexModule({
  client: 'pg',
  connection: process.env.DATABASE_URL as string,
  migrations: { migrationSource },
})

// #region migrate
await knex.migrate.latest()
console.log('up:      ', await columnsOf(knex, 'users'))
console.log('rows:    ', await knex('users').orderBy('id'))
console.log('recorded:', await knex('knex_migrations').pluck('name'))

const [, names] = await knex.migrate.latest()
console.log('again:   ', names)

await knex.migrate.down()
console.log('down:    ', await columnsOf(knex, 'users'))
// #endregion

await knex.destroy()
