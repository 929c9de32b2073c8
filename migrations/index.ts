export { type CourseTable, createTables } from './create-tables.ts'
export { MIGRATION_SESSION, migrateToLatest, pendingMigrations } from './migrate.ts'
export { DatabaseNotReadyError, type PrepareOptions, prepareDatabase } from './prepare.ts'
export { migrationSource } from './source.ts'
