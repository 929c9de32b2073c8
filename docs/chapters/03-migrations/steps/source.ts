import type { Knex } from 'knex'

/** One migration, where knex would otherwise read a folder of them. */
export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: async () => ['20260301000000_phone_number'],
  getMigrationName: (name) => name,
  getMigration: (name) => import(`../solution/${name}.ts`),
}
