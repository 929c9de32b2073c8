import { assertFunction, handled } from './knex-adapter.ts'
import { type CreateUnitOfWorkOptions, parseSessionOptions, type UnitOfWorkOptions } from './options.ts'
import { type GetBegin, registerManager, SessionManager } from './session-manager.ts'
import type { DbSession } from './types.ts'

export {
  DB_SESSION_ERROR_CODES,
  DbSessionError,
  type DbSessionErrorCode,
  toDbSessionError,
} from './errors.ts'
export type {
  BeginStatement,
  BeginStatements,
  CreateUnitOfWorkOptions,
  DbRoute,
  Isolation,
  Log,
  Mode,
  SessionOptions,
  UnitOfWorkOptions,
} from './options.ts'
export type { DbSession, QueryConfig, QueryEvent, QueryResult } from './types.ts'
export { withRollback } from './with-rollback.ts'

/**
 * Runs `work` in a session of its own, which commits if `work` resolves and rolls back if it rejects. Rejects with a
 * `DbSessionError` if the commit fails, or if an error of Postgres escapes from `work`.
 */
export type UnitOfWork = <T>(work: (db: DbSession) => Promise<T>, options?: UnitOfWorkOptions) => Promise<T>

/** A {@link UnitOfWork} that is not part of an app. */
export type ClosableUnitOfWork = UnitOfWork & {
  /** Refuses new work, waits for what is under way, and destroys the pools if `closePools` is set. */
  close(): Promise<void>
}

/**
 * Creates units of work without Fastify: for workers, command-line programs and other frameworks.
 *
 * @throws `DbSessionError` with `DB_SESSION_OPTION_INVALID` if an option is unknown or has a wrong value
 * @example
 * const unitOfWork = createUnitOfWork({ knex })
 * await unitOfWork(async (db) => db('jobs').where({ id }).update({ done: true }), { retry: 3 })
 */
export function createUnitOfWork(options: CreateUnitOfWorkOptions): ClosableUnitOfWork {
  const { begin, log = console } = options
  const manager = new SessionManager(parseSessionOptions(options, ['log']), log)
  const run = unitOfWorkOf(manager, begin ? [begin] : [])
  registerManager(run, 'db', manager)
  return Object.assign(run, { close: () => manager.close() })
}

/** Returns the function that runs a manager's units of work. */
export function unitOfWorkOf(manager: SessionManager, begin: readonly GetBegin[]): UnitOfWork {
  return (work, options = {}) => {
    assertFunction('unitOfWork', work)
    return handled(manager.runUnit(work, options, begin))
  }
}
