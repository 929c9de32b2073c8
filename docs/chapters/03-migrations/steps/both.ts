import { createMissing } from '../solution/create-missing.ts'
import { openUsers } from './columns.ts'

const knex = await openUsers()

// #region both
await knex.schema.dropTable('users')
await createMissing(knex)

await knex.migrate.latest().catch((error: Error) => console.log(error.message))
// #endregion

await knex.destroy()
