export { type AttachedPostgres, type AttachOptions, attachPostgres } from './attach.ts'
export { defaultDataDir } from './data-dir.ts'
export { EmbeddedPostgresError } from './errors.ts'
export { resetPostgres, type StopOptions, type StopResult, stopPostgres } from './stop.ts'
