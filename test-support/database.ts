import { migrateToLatest } from '@auth-primer/migrations'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import knexFactory, { type Knex } from 'knex'
import type { Scope } from './process.ts'

/** Opens a pool for a test suite, independent of the service's settings. */
export function openKnex(url: string, max = 4): Knex {
  return knexFactory({ client: 'pg', connection: url, pool: { min: 0, max } })
}

export async function migrate(url: string): Promise<void> {
  const knex = openKnex(url)
  await migrateToLatest(knex)
  await knex.destroy()
}

/** Creates a migrated database for the scope; returns its URL. */
export async function createMigratedDatabase(scope: Scope): Promise<string> {
  const database = await createTestDatabase()
  scope.teardown(() => database.drop())
  await migrate(database.url)
  return database.url
}
