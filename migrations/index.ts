export { type CourseTable, createTables } from './create-tables.ts'
export { findPendingMigrations, MIGRATION_SESSION, migrateToLatest } from './migrate.ts'
export { DatabaseNotReadyError, type PrepareOptions, prepareDatabase } from './prepare.ts'
export { migrationSource } from './source.ts'
