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

/** COMMIT and ROLLBACK by hand, which may have begun another transaction at once; ROLLBACK TO has the same tag. */
export function endsTransaction(query: Query, result: QueryResult | QueryResult[] | undefined): boolean {
  if (result === undefined || isRowStream(query)) return false
  if (Array.isArray(result)) return result.some((each) => endsTransaction(query, each))
  const { command } = result
  return command === 'COMMIT' || (command === 'ROLLBACK' && !/\brollback\b[^;]*\bto\b/i.test(query.text))
}
