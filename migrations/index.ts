export { MIGRATION_SESSION, migrateToLatest, pendingMigrations } from './migrate.ts'
export { migrationSource } from './source.ts'
