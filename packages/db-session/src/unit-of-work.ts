import { check, parseSessionOptions } from './options.ts'
import { SessionManager } from './session-manager.ts'
import type { ClosableUnitOfWork, CreateUnitOfWorkOptions } from './types.ts'

export type { DbSessionErrorCode } from './errors.ts'
export { DB_SESSION_ERROR_CODES, DbSessionError, toDbSessionError } from './errors.ts'
export type * from './types.ts'
export { withRollback } from './with-rollback.ts'

/**
 * Creates units of work without Fastify: for workers, command-line programs and other frameworks.
 * @throws `DbSessionError` with `DB_SESSION_OPTION_INVALID` if an option is unknown or has a wrong value
 * @example
 * const unitOfWork = createUnitOfWork({ knex })
 * await unitOfWork(async (db) => db('jobs').where({ id }).update({ done: true }), { retry: 3 })
 */
export function createUnitOfWork(options: CreateUnitOfWorkOptions): ClosableUnitOfWork {
  const settings = parseSessionOptions(options, ['log'])
  const { begin, log = console } = options
  const isLogger = [log?.warn, log?.error].every((method) => typeof method === 'function')
  check('log', log, 'a logger with `warn` and `error`', isLogger)
  const manager = new SessionManager(settings, log)
  return Object.assign(manager.createUnitOfWork(begin), { close: () => manager.close() })
}
