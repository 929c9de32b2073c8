import type { Knex } from 'knex'
import { migrationSource } from './source.ts'

/** The `application_name` of a session that migrates, in `pg_stat_activity`. */
export const MIGRATION_SESSION = 'auth-primer migrations'

const config: Knex.MigratorConfig = { migrationSource }
// Any number that nothing else in the database uses as the key of an advisory lock.
const ADVISORY_LOCK = 7_519_001

/** Returns the names of the migrations that have not been run yet, in order. It only reads. */
export async function findPendingMigrations(knex: Knex): Promise<string[]> {
  const all = (await migrationSource.getMigrations([])).map(({ file }) => file)
  if (!(await knex.schema.hasTable('knex_migrations'))) return all
  const done = new Set(await knex('knex_migrations').pluck('name'))
  return all.filter((name) => !done.has(name))
}

/**
 * Runs the pending migrations, one process at a time, and returns their names.
 *
 * Processes that start together wait for an advisory lock, which ends with its connection. knex's own lock is a row that
 * outlives a killed process: it is freed if no session that migrates is left.
 */
export async function migrateToLatest(knex: Knex): Promise<string[]> {
  return knex.transaction(async (lock) => {
    await lock.raw('SELECT pg_advisory_xact_lock(?)', [ADVISORY_LOCK])
    if ((await findPendingMigrations(knex)).length === 0) return []
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
