/** @module */
export { type DbSessionOptions, dbSession, dbSession as default } from './plugin.ts'
export * from './unit-of-work.ts'
