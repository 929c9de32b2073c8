/**
 * Everything that relies on private parts of pg, pg-cursor and pg-query-stream. `private-parts.test.ts` fails if one of
 * them changes.
 */
import type { Socket } from 'node:net'
import pg, { type Client, type Connection, type QueryConfig, type QueryResult, type Submittable } from 'pg'
import type { BeginStatements } from './options.ts'

/** A pg Client with the two numbers that a cancel request needs. Private: they are not in pg's types. */
export type PgConnection = Client & { readonly processID: number; readonly secretKey: number }

/** A text with values, or an object that reads and writes pg's messages itself: a cursor, a row stream, a COPY. */
export type Statement = QueryConfig | Submittable
export type ReplyCallback = (error: Error | null, result?: QueryResult) => void

/** BEGIN with the statements that follow it, ready to be sent. */
export interface Begin {
  readonly count: number
  readonly text: string
  /** The same as extended-protocol messages, without Describe and without Sync. */
  readonly bytes: Buffer
  /** False if a statement has values, which only the extended protocol can carry. */
  readonly isPlain: boolean
}

/** What ends a transaction in the message of its statement. */
export type End = Begin

export function isSubmittable(statement: Statement): statement is Submittable {
  return 'submit' in statement
}

/** Encodes statements for the start or the end of a message. Values become text, as Postgres reads them. */
export function encodeStatements(statements: BeginStatements): Begin {
  const list = (Array.isArray(statements) ? statements : [statements]).map((statement) =>
    typeof statement === 'string' ? { text: statement } : statement,
  )
  const written: Buffer[] = []
  // Private: pg's Connection writes whole messages, immediately, to the stream it is given.
  const stream = { writable: true, write: (bytes: Buffer) => written.push(bytes) }
  const connection = new pg.Connection({ stream } as never)
  for (const { text, values } of list) {
    if (typeof text !== 'string') throw new TypeError('Expected each statement of `begin` to have a text')
    connection.parse({ text, name: '', types: [] }, true)
    connection.bind({ values: (values ?? []).map(toText) } as never, true)
    connection.execute({}, true)
  }
  return {
    count: list.length,
    text: list.map(({ text }) => text).join('; '),
    bytes: Buffer.concat(written),
    isPlain: list.every(({ values }) => !values?.length),
  }
}

/** Joins two encoded parts. */
export function concatenate(first: Begin, second: Begin): Begin {
  return {
    count: first.count + second.count,
    text: `${first.text}; ${second.text}`,
    bytes: Buffer.concat([first.bytes, second.bytes]),
    isPlain: first.isPlain && second.isPlain,
  }
}

/** Sends a statement. The callback is called once. */
export function send(connection: PgConnection, statement: Statement, callback: ReplyCallback): void {
  const reply = callOnce(callback)
  if (isSubmittable(statement)) submit(connection, statement, reply)
  // pg copies a config, member by member, but not a text and its values
  else if (hasOnly(statement, PLAIN_MEMBERS))
    connection.query(statement.text, statement.values as never, reply as never)
  else connection.query(statement, reply)
}

/** Sends BEGIN without a statement. */
export function sendBegin(connection: PgConnection, begin: Begin, callback: ReplyCallback): void {
  connection.query(new BatchedQuery(begin, undefined, { text: '' }, callOnce(callback)) as Submittable)
}

/** Returns true if the statement fits into one message with BEGIN. */
export function canBatch(begin: Begin, statement: Statement): statement is QueryConfig {
  if (isSubmittable(statement) || !hasOnly(statement, BATCH_MEMBERS)) return false
  // without values the text may hold several statements, which the extended protocol refuses
  return begin.isPlain || needsExtendedProtocol(statement) || !statement.text.includes(';')
}

/**
 * Sends BEGIN, a statement and, if given, COMMIT in one message. That saves round trips, and the statement runs only if
 * BEGIN succeeded: in two messages, a statement after a failed BEGIN would be committed by itself.
 */
export function sendBatch(
  connection: PgConnection,
  begin: Begin,
  statement: QueryConfig,
  end: End | undefined,
  callback: ReplyCallback,
): void {
  const reply = callOnce(callback)
  if (!begin.isPlain || needsExtendedProtocol(statement)) {
    connection.query(new BatchedQuery(begin, end, statement, reply) as Submittable)
    return
  }
  // on a line of its own, so a comment at the end of the statement does not swallow the COMMIT
  const text = `${begin.text};${statement.text}${end ? `\n;${end.text}` : ''}`
  connection.query({ ...statement, text }, (error: Error | null, results: unknown) => {
    if (error) return reply(error)
    const all = [results].flat() as QueryResult[]
    const [result = EMPTY_RESULT, ...more] = all.slice(begin.count, end ? -end.count : undefined)
    reply(null, more.length === 0 ? result : ([result, ...more] as never))
  })
}

/**
 * Asks Postgres, over a second connection, to cancel what the first one runs
 * (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS). PgBouncer forwards it.
 * Resolves when the server has closed the second connection: the signal is sent by then, so it cannot hit a later
 * statement. Never rejects: the caller waits for the statement anyway.
 */
export function cancel(target: PgConnection, timeoutMs: number): Promise<void> {
  const { ssl, host, port } = target
  const connection = new pg.Connection({ ssl } as never) as CancelConnection
  return new Promise((resolve) => {
    const timer = setTimeout(() => connection.stream.destroy(), timeoutMs).unref()
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    const request = (): void => connection.cancel(target.processID, target.secretKey)
    connection.on('connect', () => (ssl ? connection.requestSsl() : request()))
    connection.on('sslconnect', request)
    connection.on('error', done)
    connection.on('end', done)
    connection.stream.once('close', done)
    if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`)
    else connection.connect(port, host)
  })
}

/**
 * Calls `onSilent` once no byte has arrived for `timeoutMs` while a reply is due. Returns a function that stops the
 * watch. Private: `connection.stream` is the socket.
 */
export function watchForSilence(
  connection: PgConnection,
  isReplyDue: () => boolean,
  timeoutMs: number,
  onSilent: () => void,
): () => void {
  const stream = connection.connection.stream as Socket
  let seen = stream.bytesRead
  const timer = setInterval(() => {
    const isSilent = stream.bytesRead === seen && isReplyDue()
    seen = stream.bytesRead
    if (!isSilent) return
    clearInterval(timer)
    onSilent()
  }, timeoutMs).unref()
  return () => clearInterval(timer)
}

/** Returns true for a row stream whose consumer has finished with it: left by `break`, destroyed, or read to the end. */
export function isLeft(statement: Statement): boolean {
  const { destroyed, readableEnded, writableFinished, [kTarget]: target } = statement as RowStream
  return [
    destroyed,
    readableEnded,
    writableFinished,
    target?.destroyed,
    stateOf(statement) === 'done',
  ].includes(true)
}

/** Closes a cursor, a row stream or a COPY. */
export function close(statement: Statement): void {
  const stream = statement as RowStream
  if (stream.destroy) stream.destroy()
  else stream.close?.(() => {})
}

/** Reports an error to whoever reads a cursor, a row stream or a COPY. */
export function fail(statement: Submittable, error: Error): void {
  const stream = statement as RowStream
  if (stream.destroy) stream.destroy(error)
  else stream.handleError(error, undefined as never)
}

/**
 * Notes where the rows of a stream go: knex gives the application a second stream, to which it pipes. An error of a
 * stream that nobody listens to fails its session, but must not end the process.
 */
export function prepareStream(statement: Submittable): void {
  const stream = statement as RowStream
  stream.on?.('error', () => {})
  const { pipe } = stream
  if (pipe === undefined) return
  stream.pipe = (target, options) => {
    stream[kTarget] = target as { destroyed?: boolean }
    target.on('error', () => {})
    return pipe.call(stream, target, options)
  }
}

/** The text and the values of a statement, as far as they are known. */
export function describe(statement: Statement): { text: string; values: readonly unknown[] } {
  const { text, values } = ((statement as RowStream).cursor ?? statement) as QueryConfig
  return { text: text ?? '', values: values ?? [] }
}

/** A cursor, a row stream or a COPY. Private: pg-query-stream keeps its `cursor`, whose `state` says what it waits for. */
interface RowStream extends Submittable {
  readonly cursor?: { readonly text: string; readonly values: unknown[] | null; readonly state: string }
  readonly state?: string
  readonly destroyed?: boolean
  readonly readableEnded?: boolean
  readonly writableFinished?: boolean
  on?(event: 'error', listener: () => void): void
  destroy?(error?: Error): void
  close?(callback: () => void): void
  pipe?(target: NodeJS.WritableStream, options?: object): unknown
  handleReadyForQuery?(connection: Connection): void
  handleError(error: Error, connection: Connection): void
  [kTarget]?: { readonly destroyed?: boolean }
}

/** The stream that knex gives to the application; its rows come through a pipe. */
const kTarget = Symbol('db-session.target')

/** Returns false for a cursor that waits for its consumer, not for Postgres. */
export function isReplyDue(statement: Statement): boolean {
  return stateOf(statement) !== 'idle'
}

function stateOf(statement: Statement): string | undefined {
  const { cursor, state } = statement as RowStream
  return cursor?.state ?? state
}

/**
 * Private: pg calls `handleReadyForQuery` on whatever ran, once the connection is ready for the next statement, and
 * `handleError` if Postgres or the socket reports an error.
 */
function submit(connection: PgConnection, statement: Submittable, callback: ReplyCallback): void {
  const stream = statement as RowStream
  if (stream.destroyed) {
    callback(null)
    return
  }
  const { handleReadyForQuery, handleError } = stream
  stream.handleReadyForQuery = (connection) => {
    handleReadyForQuery?.call(stream, connection)
    callback(null)
  }
  stream.handleError = (error, connection) => {
    handleError.call(stream, error, connection)
    callback(error)
  }
  connection.query(stream)
}

/** Private: pg's types leave `cancel` and the arguments of `connect` out. */
type CancelConnection = Connection & {
  connect(port: number | string, host?: string): void
  requestSsl(): void
  cancel(processID: number, secretKey: number): void
}

/** Private: what pg calls on a query while it runs. */
interface RunningQuery {
  readonly portal: string
  submit(connection: Connection): Error | null
  handleCommandComplete(message: object, connection: Connection): void
  handleEmptyQuery(connection: Connection): void
  handleDataRow(message: object): void
  _getRows(connection: Connection, rows: number | undefined): void
}
const Query = pg.Query as unknown as new (
  query: QueryConfig,
  values: undefined,
  callback: ReplyCallback,
) => RunningQuery

/** A statement in the extended protocol, with others before and after it, and one Sync at the end. */
class BatchedQuery extends Query {
  readonly #begin: Begin
  readonly #end: End | undefined
  #completed = 0
  #isDone = false

  constructor(begin: Begin, end: End | undefined, statement: QueryConfig, callback: ReplyCallback) {
    super({ ...statement, queryMode: 'extended' } as QueryConfig, undefined, callback)
    this.#begin = begin
    this.#end = end
  }

  override submit(connection: Connection): Error | null {
    connection.stream.cork()
    connection.stream.write(this.#begin.bytes)
    const error = super.submit(connection)
    connection.stream.uncork()
    return error
  }

  override _getRows(connection: Connection, rows: number | undefined): void {
    connection.execute({ portal: this.portal, ...(rows !== undefined && { rows: String(rows) }) }, true)
    if (this.#end) connection.stream.write(this.#end.bytes)
    connection.sync()
  }

  override handleCommandComplete(message: object, connection: Connection): void {
    if (this.#completed < this.#begin.count) this.#completed++
    else if (!this.#isDone) {
      this.#isDone = true
      super.handleCommandComplete(message, connection)
    }
  }

  override handleEmptyQuery(connection: Connection): void {
    this.#isDone = true
    super.handleEmptyQuery(connection)
  }

  /** Drops the rows of the statements after BEGIN: `select set_config(…)` returns one. */
  override handleDataRow(message: object): void {
    if (this.#completed === this.#begin.count) super.handleDataRow(message)
  }
}

/** The result of a text without a statement, such as a comment. */
const EMPTY_RESULT = { command: '', rowCount: null, oid: 0, rows: [], fields: [] } as QueryResult

const PLAIN_MEMBERS = new Set(['text', 'values'])
const BATCH_MEMBERS = new Set(['text', 'values', 'types', 'rowMode', 'queryMode', 'binary'])

function hasOnly(statement: QueryConfig, names: ReadonlySet<string>): boolean {
  for (const name in statement)
    if (!names.has(name) && statement[name as keyof QueryConfig] !== undefined) return false
  return true
}

function needsExtendedProtocol(statement: QueryConfig & { queryMode?: string; binary?: boolean }): boolean {
  return Boolean(statement.values?.length) || statement.queryMode === 'extended' || statement.binary === true
}

function toText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (['string', 'number', 'bigint', 'boolean'].includes(typeof value)) return String(value)
  throw new TypeError('Expected the values of `begin` to be strings, numbers, bigints, booleans or null')
}

/** pg reports a value that it cannot send, and then the end of the same statement. */
function callOnce(callback: ReplyCallback): ReplyCallback {
  let isCalled = false
  return (error, result) => {
    if (isCalled) return
    isCalled = true
    callback(error, result)
  }
}
