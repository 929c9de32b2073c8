import knexModule from 'knex'
import { createMissing } from '../solution/create-missing.ts'
import { migrationSource } from './source.ts'

const knex = knexModule({
  client: 'pg',
  connection: process.env.DATABASE_URL as string,
  migrations: { migrationSource },
  // Without this, knex prints the error, too.
  log: { error: () => {}, warn: () => {} },
})

// #region both
await knex.schema.dropTable('users')
await createMissing(knex)

await knex.migrate.latest().catch((error: Error) => console.log(error.message))
// #endregion

await knex.destroy()
