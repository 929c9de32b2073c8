import { ConnectionPool, type Verbs } from './connection-pool.ts'
import { DbSessionError } from './errors.ts'
import { lendOneConnection } from './knex-adapter.ts'
import { encode } from './pg-wire.ts'
import { managers, type SessionManager } from './session-manager.ts'
import type { UnitOfWork } from './types.ts'

/** Each transaction becomes a savepoint of the one that is rolled back. */
const SAVEPOINT_VERBS: Verbs = {
  begin({ mode, statements: [, ...limits] }, extra) {
    const readOnly = mode === 'read' ? ['SET LOCAL transaction_read_only = on'] : []
    return encode(['SAVEPOINT db_session', ...readOnly, ...limits, ...extra])
  },
  // checks deferred constraints, as COMMIT would, and defers them again
  commit:
    'SAVEPOINT constraints; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK TO SAVEPOINT constraints; RELEASE SAVEPOINT db_session',
  committed: 'RELEASE',
  rollback: 'ROLLBACK TO SAVEPOINT db_session; RELEASE SAVEPOINT db_session',
  endOfRead: encode(['ROLLBACK TO SAVEPOINT db_session', 'RELEASE SAVEPOINT db_session']),
}

const active = new WeakSet<SessionManager>()

/**
 * Rolls back, for tests, everything that happens through an app, or through the database of a unit of work such as
 * `app.auditUnitOfWork`, while `work` runs, or until the returned function is called. All sessions and plain statements
 * of its knex share one connection, one after the other, and each transaction is a savepoint. So it cannot show what
 * isolation levels do, and a session that holds its connection while it waits for a second one gets none.
 * @throws `DbSessionError` with `DB_SESSION_ROLLBACK_OPEN` while another one is active
 * @example
 * await withRollback(app, async () => {
 *   await app.inject({ method: 'POST', url: '/users', payload: { email: 'ada@example.org' } })
 * })
 */
export function withRollback<T>(target: object, work: () => Promise<T>): Promise<T>
export function withRollback(target: object): Promise<() => Promise<void>>
export async function withRollback<T>(target: { unitOfWork?: UnitOfWork }, work?: () => Promise<T>) {
  const manager = managers.get(target.unitOfWork ?? target)
  if (manager === undefined) throw new DbSessionError('DB_SESSION_NOT_COVERED')
  const rollBack = await begin(manager)
  return work ? work().finally(rollBack) : rollBack
}

async function begin(manager: SessionManager): Promise<() => Promise<void>> {
  if (active.has(manager)) throw new DbSessionError('DB_SESSION_ROLLBACK_OPEN')
  active.add(manager)
  const { settings, primary, replica } = manager
  const { client } = settings.knex
  const connection = await client.acquireConnection().catch((error: unknown) => {
    active.delete(manager)
    throw error
  })
  await connection.query('BEGIN')
  const one = { max: 1, acquire: async () => connection, release() {}, isPoolTimeout: () => false }
  manager.primary = new ConnectionPool(one, settings.acquireTimeoutMs, SAVEPOINT_VERBS)
  manager.replica = undefined
  const stopLending = lendOneConnection(settings.knex, connection)
  return async () => {
    if (!active.delete(manager)) return
    stopLending()
    Object.assign(manager, { primary, replica })
    await connection.query('ROLLBACK').finally(() => client.releaseConnection(connection))
  }
}
