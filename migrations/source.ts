import { readdir } from 'node:fs/promises'
import type { Knex } from 'knex'

interface MigrationFile {
  /** The name that `knex migrate:list` prints for a pending migration. */
  readonly file: string
}

/**
 * The migrations of this folder, read from where this file runs: `.ts` in the checkout, `.js` in the build.
 *
 * knex stores a migration's file name with its extension, so the build and the checkout would run each migration twice. The
 * names given here have no extension.
 */
export const migrationSource: Knex.MigrationSource<MigrationFile> = {
  async getMigrations() {
    const files = await readdir(import.meta.dirname)
    return files
      .filter((file) => /^\d{14}_\w+\.[jt]s$/.test(file))
      .sort()
      .map((file) => ({ file: file.slice(0, -3) }))
  },
  getMigrationName: ({ file }) => file,
  getMigration: ({ file }) => import(new URL(`./${file}${import.meta.url.slice(-3)}`, import.meta.url).href),
}
