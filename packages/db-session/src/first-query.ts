import pg, { type Connection, type QueryConfig, type QueryResult, type Submittable } from 'pg'
import type { PgConnection } from './source.ts'

export type QueryCallback = (error: Error | null, result?: QueryResult) => void

/** BEGIN and its limits, ready to be sent. */
export interface Begin {
  readonly count: number
  readonly text: string
  /** The same in the extended protocol, without Describe and without Sync. */
  readonly bytes: Buffer
}

const made = new WeakMap<readonly string[], Begin>()

/** The same for the same list: it is made once a route. */
export function begins(statements: readonly string[]): Begin {
  let begin = made.get(statements)
  if (begin === undefined) {
    begin = { count: statements.length, text: statements.join('; '), bytes: extended(statements) }
    made.set(statements, begin)
  }
  return begin
}

/**
 * Sends BEGIN, its limits and the first statement in one message, so that a session costs one round
 * trip less, and so that the statement runs only if BEGIN did: were they two messages, a BEGIN that
 * fails would leave the statement to commit by itself.
 */
export function sendFirst(
  connection: PgConnection,
  begin: Begin,
  query: QueryConfig,
  callback: QueryCallback,
): void {
  if (query.name !== undefined)
    sendBegin(connection, begin, (e) => (e ? callback(e) : sendNext(connection, query, callback)))
  else if (query.values?.length) connection.query(new FirstQuery(begin, query, callback) as Submittable)
  else sendSimple(connection, begin, query, callback)
}

/** BEGIN and its limits alone: before a named statement, which pg would take for parsed, and before a cursor. */
export function sendBegin(connection: PgConnection, begin: Begin, callback: QueryCallback): void {
  connection.query(begin.text, callback as never)
}

/** A statement after the first. pg copies a config, member by member, but not a text and its values. */
export function sendNext(connection: PgConnection, query: QueryConfig, callback: QueryCallback): void {
  if (isPlain(query)) connection.query(query.text, query.values as never, callback as never)
  else connection.query(query, callback)
}

function isPlain(query: QueryConfig): boolean {
  for (const name in query) if (name !== 'text' && name !== 'values') return false
  return true
}

/**
 * Private: what pg calls on a query while it runs; its types name `submit` alone. private-parts.test.ts fails when
 * that changes.
 */
interface RunningQuery {
  submit(connection: Connection): void
  handleCommandComplete(message: object, connection: Connection): void
}
const Query = pg.Query as unknown as new (
  query: QueryConfig | string,
  values: unknown,
  callback: QueryCallback,
) => RunningQuery

/** With values: the extended protocol, all of it before one Sync. An error skips whatever follows it. */
class FirstQuery extends Query {
  readonly #begin: Begin
  #completed = 0

  constructor(begin: Begin, query: QueryConfig, callback: QueryCallback) {
    super(isPlain(query) ? query.text : query, query.values, callback)
    this.#begin = begin
  }

  override submit(connection: Connection): void {
    connection.stream.cork()
    connection.stream.write(this.#begin.bytes)
    super.submit(connection)
    connection.stream.uncork()
  }

  override handleCommandComplete(message: object, connection: Connection): void {
    if (this.#completed++ >= this.#begin.count) super.handleCommandComplete(message, connection)
  }
}

/** What pg's own Connection writes. Private: that it writes to the stream it is given, whole messages and at once. */
function extended(statements: readonly string[]): Buffer {
  const written: Buffer[] = []
  const stream = { writable: true, write: (bytes: Buffer) => written.push(bytes) }
  const connection = new pg.Connection({ stream } as never)
  for (const text of statements) {
    connection.parse({ text, name: '', types: [] }, true)
    connection.bind({}, true)
    connection.execute({}, true)
  }
  return Buffer.concat(written)
}

/** Without values: one text of several statements, which Postgres stops at the first error. */
function sendSimple(
  connection: PgConnection,
  begin: Begin,
  query: QueryConfig,
  callback: QueryCallback,
): void {
  connection.query(
    { ...query, text: `${begin.text};${query.text}` },
    (error: Error | null, results: unknown) => {
      if (error) return callback(error)
      const [result = EMPTY, ...more] = (results as QueryResult[]).slice(begin.count)
      callback(null, more.length === 0 ? result : ([result, ...more] as never))
    },
  )
}

/** What a text without a statement, a comment say, comes to. */
const EMPTY = { command: '', rowCount: null, oid: 0, rows: [], fields: [] } as QueryResult
