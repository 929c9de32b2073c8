import type { Knex } from 'knex'

/** Provides one migration. By default, knex reads a folder of migrations. */
export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: async () => ['20260301000000_phone_number'],
  getMigrationName: (name) => name,
  getMigration: (name) => import(`../solution/${name}.ts`),
}
