import type { QueryConfig, Submittable } from 'pg'
import type { QueryCallback } from './first-query.ts'
import type { PgConnection } from './source.ts'

/**
 * A cursor that reads row by row, as knex makes them of pg-query-stream. Private: that it keeps its `cursor`, and
 * closes once Postgres has closed it. private-parts.test.ts fails when that changes.
 */
export interface RowStream extends Submittable, NodeJS.ReadableStream {
  readonly destroyed: boolean
  readonly cursor: { readonly text: string; readonly values: readonly unknown[] | null }
  destroy(error?: Error): void
}
export type Query = QueryConfig | RowStream

export function isRowStream(query: Query): query is RowStream {
  return 'submit' in query
}

/** Has a cursor read, until its last row or until it is destroyed. */
export function sendStream(
  connection: PgConnection,
  stream: RowStream,
  isLost: () => boolean,
  callback: QueryCallback,
): void {
  if (stream.destroyed) {
    callback(null)
    return
  }
  // a cursor whose connection dies never closes
  const lost = (): boolean => stream.emit('error', new Error('Connection terminated unexpectedly'))
  connection.once('end', lost)
  let failed: Error | null = null
  stream.once('error', (error: Error) => {
    failed = error
    if (isLost()) callback(error)
  })
  const over = (): void => {
    connection.off('end', lost)
    callback(failed)
  }
  // whoever has read all rows goes on before the cursor closes
  stream.once('end', over)
  stream.once('close', over)
  connection.query(stream)
}
