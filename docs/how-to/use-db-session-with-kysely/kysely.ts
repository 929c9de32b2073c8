// #region dialect
import type { DbSession } from '@auth-primer/db-session'
import {
  type DatabaseConnection,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
} from 'kysely'

/** Returns a Kysely whose statements are part of the session. */
export function createKysely<Tables>(session: DbSession): Kysely<Tables> {
  const connection: DatabaseConnection = {
    async executeQuery({ sql, parameters }) {
      const { rows, rowCount } = await session.query(sql, parameters)
      return { rows, numAffectedRows: BigInt(rowCount ?? 0) }
    },
    streamQuery() {
      throw new Error('A session streams with pg-query-stream, not with Kysely.')
    },
  }
  class SessionDriver extends DummyDriver {
    override acquireConnection = async () => connection
    override beginTransaction = async () => {
      throw new Error('The session is the transaction: use its savepoint().')
    }
  }
  return new Kysely({
    dialect: {
      createDriver: () => new SessionDriver(),
      createAdapter: () => new PostgresAdapter(),
      createQueryCompiler: () => new PostgresQueryCompiler(),
      createIntrospector: (db) => new PostgresIntrospector(db),
    },
  })
}
// #endregion
