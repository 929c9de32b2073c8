import { readdir } from 'node:fs/promises'
import type { Knex } from 'knex'

/**
 * The migrations of this folder, read from where this file runs: `.ts` in the checkout, `.js` in the build.
 *
 * knex stores a migration's file name with its extension, so that the two would not know each other's work. The
 * names given here have none.
 */
export const migrationSource: Knex.MigrationSource<string> = {
  async getMigrations() {
    const files = await readdir(import.meta.dirname)
    return files
      .filter((file) => /^\d{14}_\w+\.[jt]s$/.test(file))
      .map((file) => file.slice(0, -3))
      .sort()
  },
  getMigrationName: (name) => name,
  getMigration: (name) => import(new URL(`./${name}${import.meta.url.slice(-3)}`, import.meta.url).href),
}
