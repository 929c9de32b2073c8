import { migrateToLatest } from '@auth-primer/migrations'
import { createKnex } from '../src/plugins/database.ts'

export async function migrate(databaseUrl: string): Promise<void> {
  const knex = createKnex(databaseUrl, 4)
  await migrateToLatest(knex)
  await knex.destroy()
}
