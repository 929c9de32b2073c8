import pg, { type Connection, type QueryConfig, type QueryResult, type Submittable } from 'pg'
import type { PgConnection } from './source.ts'

export type QueryCallback = (error: Error | null, result?: QueryResult) => void

/**
 * Sends BEGIN, its limits and the first statement in one message, so that a session costs one round
 * trip less, and so that the statement runs only if BEGIN did: were they two messages, a BEGIN that
 * fails would leave the statement to commit by itself.
 */
export function sendFirst(
  connection: PgConnection,
  begin: readonly string[],
  query: QueryConfig,
  callback: QueryCallback,
): void {
  if (query.name !== undefined)
    sendBegin(connection, begin, (e) => (e ? callback(e) : connection.query(query, callback)))
  else if (query.values?.length) connection.query(new FirstQuery(begin, query, callback) as Submittable)
  else sendSimple(connection, begin, query, callback)
}

/** BEGIN and its limits alone: before a named statement, which pg would take for parsed, and before a cursor. */
export function sendBegin(connection: PgConnection, begin: readonly string[], callback: QueryCallback): void {
  connection.query({ text: begin.join(';') }, callback)
}

/** What pg calls on a query while it runs; its types name `submit` alone. */
interface RunningQuery {
  submit(connection: Connection): void
  handleCommandComplete(message: object, connection: Connection): void
}
const Query = pg.Query as unknown as new (query: QueryConfig, callback: QueryCallback) => RunningQuery

/** With values: the extended protocol, all of it before one Sync. An error skips whatever follows it. */
class FirstQuery extends Query {
  readonly #begin: readonly string[]
  #completed = 0

  constructor(begin: readonly string[], query: QueryConfig, callback: QueryCallback) {
    super(query, callback)
    this.#begin = begin
  }

  override submit(connection: Connection): void {
    connection.stream.cork()
    for (const text of this.#begin) {
      connection.parse({ text, name: '', types: [] }, true)
      connection.bind({}, true)
      connection.execute({}, true)
    }
    super.submit(connection)
    connection.stream.uncork()
  }

  override handleCommandComplete(message: object, connection: Connection): void {
    if (this.#completed++ >= this.#begin.length) super.handleCommandComplete(message, connection)
  }
}

/** Without values: one text of several statements, which Postgres stops at the first error. */
function sendSimple(
  connection: PgConnection,
  begin: readonly string[],
  query: QueryConfig,
  callback: QueryCallback,
): void {
  const prefix = `${begin.join(';')};`
  connection.query({ ...query, text: prefix + query.text }, (error: Error | null, results: unknown) => {
    if (error) return callback(error)
    const [result = EMPTY, ...more] = (results as QueryResult[]).slice(begin.length)
    callback(null, more.length === 0 ? result : ([result, ...more] as never))
  })
}

/** What a text without a statement, a comment say, comes to. */
const EMPTY = { command: '', rowCount: null, oid: 0, rows: [], fields: [] } as QueryResult
