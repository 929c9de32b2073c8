import type { FastifyInstance } from 'fastify'
import type { Knex } from 'knex'
import type { QueryConfig, QueryResult } from 'pg'
import type { QueryCallback } from './first-query.ts'
import { sessionsOf } from './plugin.ts'
import { type PgConnection, Source, type Verbs } from './source.ts'

/**
 * For tests: everything that `work` does through the app is undone at the end. All sessions, units of work and
 * plain statements of the app's knex share one connection, one session after the other, each transaction a
 * savepoint. So it cannot show what isolation levels do, and a session that holds its connection while it
 * waits for a second one gets none.
 *
 * @example
 * await withRollback(app, async () => {
 *   await app.inject({ method: 'POST', url: '/users', payload: { email: 'ada@example.org' } })
 * })
 */
export async function withRollback<T>(app: FastifyInstance, work: () => Promise<T>): Promise<T> {
  const { databases, settings } = sessionsOf(app)
  const { client } = settings.knex
  const connection: PgConnection = await client.acquireConnection()
  const before = { read: databases.read.source, write: databases.write.source }
  const nested = new NestedSource(settings.knex, settings.acquireTimeoutMs, connection)
  await connection.query('BEGIN')
  databases.read.source = databases.write.source = nested
  // its own members hide those of its class until they are deleted
  client.acquireConnection = async () => new PlainConnection(connection)
  client.releaseConnection = async () => {}
  try {
    return await work()
  } finally {
    delete client.acquireConnection
    delete client.releaseConnection
    databases.read.source = before.read
    databases.write.source = before.write
    await connection.query('ROLLBACK')
    client.releaseConnection(connection)
  }
}

const SAVEPOINTS: Verbs = {
  begin: ([begin = '', ...limits]) => [
    'SAVEPOINT db_session',
    ...(begin.endsWith('READ ONLY') ? ['SET LOCAL transaction_read_only = on'] : []),
    ...limits,
  ],
  // what is deferred to the commit is checked here, and put off again
  commit:
    'SAVEPOINT constraints; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK TO SAVEPOINT constraints; RELEASE SAVEPOINT db_session',
  committed: 'RELEASE',
  rollback: 'ROLLBACK TO SAVEPOINT db_session; RELEASE SAVEPOINT db_session',
  undoFailedCommit: true,
}

/** One connection for all, to one after the other. */
class NestedSource extends Source {
  override readonly verbs = SAVEPOINTS
  readonly #connection: PgConnection

  constructor(knex: Knex, acquireTimeoutMs: number, connection: PgConnection) {
    super(knex, acquireTimeoutMs, 0, 1)
    this.#connection = connection
  }

  protected override async fromPool(): Promise<PgConnection> {
    return this.#connection
  }

  protected override toPool(): void {}
}

/**
 * What plain knex is given: each statement in a savepoint of its own, transactions as savepoints. Private: how knex
 * spells what begins and ends a transaction. private-parts.test.ts fails when that changes.
 */
class PlainConnection {
  readonly #connection: PgConnection
  #inTransaction = false

  constructor(connection: PgConnection) {
    this.#connection = connection
  }

  query(query: QueryConfig, callback: QueryCallback): void {
    this.#run(query).then((result) => callback(null, result), callback)
  }

  async #run(query: QueryConfig): Promise<QueryResult> {
    if (/^BEGIN\b/i.test(query.text)) {
      this.#inTransaction = true
      return this.#connection.query('SAVEPOINT knex')
    }
    if (/^COMMIT\b/i.test(query.text)) return this.#connection.query('RELEASE SAVEPOINT knex')
    if (/^ROLLBACK;?$/i.test(query.text)) return this.#connection.query('ROLLBACK TO SAVEPOINT knex')
    if (this.#inTransaction) return this.#connection.query(query)
    await this.#connection.query('SAVEPOINT statement')
    try {
      const result = await this.#connection.query(query)
      await this.#connection.query('RELEASE SAVEPOINT statement')
      return result
    } catch (error) {
      await this.#connection.query('ROLLBACK TO SAVEPOINT statement')
      throw error
    }
  }
}
