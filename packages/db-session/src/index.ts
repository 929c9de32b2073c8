export type { DbSession, QueryEvent } from './db-session.ts'
export { DB_SESSION_ERROR_CODES, DbSessionError, type DbSessionErrorCode } from './errors.ts'
export type { DbRoute, DbSessionOptions, Isolation, Mode } from './options.ts'
export { dbSession, dbSession as default } from './plugin.ts'
