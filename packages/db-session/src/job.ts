import type { QueryResult } from 'pg'
import type { QueryEvent } from './db-session.ts'
import type { QueryCallback } from './first-query.ts'
import { isRowStream, type Query } from './row-stream.ts'
import type { Scope } from './scope.ts'

/** One statement on its way. */
export interface Job {
  readonly kind: QueryEvent['kind']
  readonly query: Query
  readonly scope: Scope
  readonly callback: QueryCallback
  startedAt: number
}

/** Tells whoever sent a statement how it ended. A stream of rows tells by itself, but of errors before it began. */
export function answer({ query, callback }: Job, error: Error | null, result?: QueryResult): void {
  if (!isRowStream(query)) callback(error, result)
  else if (error) query.destroy(error)
}
