import type { DbSession } from './db-session.ts'
import type { Query } from './row-stream.ts'
import type { Run } from './run.ts'
import type { Scope } from './scope.ts'
import type { Session } from './session.ts'

/** What stands behind the face of a session, or of a savepoint in it. To knex it is a connection of pg. */
export class Behind {
  readonly session: Session
  readonly scope: Scope
  readonly run: Run

  constructor(session: Session, scope: Scope, run: Run) {
    this.session = session
    this.scope = scope
    this.run = run
  }

  query(query: Query, callback: never): Query {
    this.session.run(this.scope, query, callback)
    return query
  }
}

export const kBehind = Symbol('db-session.behind')
export type Face = DbSession & { [kBehind]: Behind }
export type MakeFace = (behind: Behind) => DbSession
