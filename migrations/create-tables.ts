import type { Knex } from 'knex'
import { migrationSource } from './source.ts'

/** The tables of the course's notes, in the order in which the migrations create them. */
export type CourseTable = 'users' | 'posts' | 'votes'

/**
 * Creates the tables up to this one, as the first migrations do, in an empty database. Nothing records that they ran, which
 * makes it quick: it is for the many short-lived databases of the chapters.
 */
export async function createTables(knex: Knex, last: CourseTable): Promise<void> {
  for (const migration of await migrationSource.getMigrations([])) {
    const { up } = await migrationSource.getMigration(migration)
    await up(knex)
    if (migration.file.endsWith(`_${last}`)) return
  }
}
