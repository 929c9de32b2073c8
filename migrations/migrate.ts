import type { Knex } from 'knex'
import { migrationSource } from './source.ts'

/** The name that a session which migrates is known by in `pg_stat_activity`. */
export const MIGRATION_SESSION = 'auth-primer migrations'

const config: Knex.MigratorConfig = { migrationSource }
// Any number will do, so long as nothing else in the database locks by it.
const ADVISORY_LOCK = 7_519_001

/** The names of the migrations that have not been run yet, in order. It only reads. */
export async function pendingMigrations(knex: Knex): Promise<string[]> {
  const all = (await migrationSource.getMigrations([])).map(({ file }) => file)
  if (!(await knex.schema.hasTable('knex_migrations'))) return all
  const done = new Set(await knex('knex_migrations').pluck('name'))
  return all.filter((name) => !done.has(name))
}

/**
 * Runs the pending migrations, one process at a time, and returns their names.
 *
 * Processes that start together queue at an advisory lock, which ends with its connection. knex has a lock of its
 * own, a row that outlives a killed process: it is freed when no session that migrates is left to hold it.
 */
export async function migrateToLatest(knex: Knex): Promise<string[]> {
  return knex.transaction(async (lock) => {
    await lock.raw('SELECT pg_advisory_xact_lock(?)', [ADVISORY_LOCK])
    if ((await pendingMigrations(knex)).length === 0) return []
    if (await isAbandoned(lock)) await knex.migrate.forceFreeMigrationsLock(config)
    const [, names] = await knex.migrate.latest(config)
    return names
  })
}

async function isAbandoned(lock: Knex): Promise<boolean> {
  if (!(await lock.schema.hasTable('knex_migrations_lock'))) return false
  const row = await lock('knex_migrations_lock').where({ is_locked: 1 }).first()
  if (row === undefined) return false
  const { rowCount } = await lock.raw(
    'SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = ?',
    [MIGRATION_SESSION],
  )
  return rowCount === 0
}
