/** The code that relies on private parts of pg, pg-cursor and pg-query-stream. `private-parts.test.ts` fails if one changes. */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import pg, { type Client, type Connection, type QueryConfig, type QueryResult, type Submittable } from 'pg'
import type { BeginStatement } from './types.ts'

/** A pg Client with the two numbers that a cancel request needs. Private: they are not in pg's types. */
export type PgConnection = Client & { readonly processID: number; readonly secretKey: number }

/** Returns true once the socket is gone. Private: pg keeps the state of its socket in these members. */
export function isLost(connection: PgConnection): boolean {
  const { _queryable, _ended } = connection as never as Record<'_queryable' | '_ended', boolean>
  return !_queryable || _ended
}

export function closeSocket(connection: PgConnection): void {
  connection.connection.stream.destroy()
}

/** A text with values, or an object that reads and writes pg's messages itself: a cursor, a row stream, a COPY. */
export type Statement = QueryConfig | Submittable

/** Statements that start or end a message. */
export interface Encoded {
  readonly count: number
  readonly text: string
  /** Extended-protocol messages without Describe and without Sync. */
  readonly bytes: Buffer
}

/** Encodes statements for the start or the end of a message. Values become text, as Postgres reads them. */
export function encode(statements: readonly BeginStatement[]): Encoded {
  const list = statements.map((each) => (each instanceof Object ? each : { text: each }))
  const written: Buffer[] = []
  // Private: pg's Connection writes whole messages, immediately, to the stream it is given.
  const stream = { writable: true, write: (bytes: Buffer) => written.push(bytes) }
  const connection = new pg.Connection({ stream } as never)
  for (const { text, values = [] } of list) {
    if (typeof text !== 'string') throw new TypeError('Expected each statement of `begin` to have a text.')
    connection.parse({ text, name: '', types: [] }, true)
    connection.bind({ values: values.map(toText) } as never, true)
    connection.execute({}, true)
  }
  return { count: list.length, text: list.map(({ text }) => text).join('; '), bytes: Buffer.concat(written) }
}

function toText(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (['string', 'number', 'bigint', 'boolean'].includes(typeof value)) return String(value)
  throw new TypeError('Expected the values of `begin` to be strings, numbers, bigints, booleans or null.')
}

export function isSubmittable(statement: Statement): statement is Submittable {
  return typeof (statement as Submittable).submit === 'function'
}

/** The statements in the same message as a statement, before and after it. */
export type Batch = { readonly begin: Encoded; readonly end?: Encoded | undefined }

// Sends a statement. `lost` creates the error for the consumer of a row stream whose connection is lost. One message
// saves round trips, and a statement runs only if its BEGIN succeeded: in two messages it would be committed by itself.
export function send(connection: PgConnection, statement: Statement, lost: Lost, batch?: Batch) {
  return new Promise<QueryResult>((resolve, reject) => {
    const reply: Reply = (error, result) => (error ? reject(error) : resolve(result as QueryResult))
    if (batch) connection.query(new BatchedQuery(batch, statement as QueryConfig, reply) as Submittable)
    else if (isSubmittable(statement)) submit(connection, statement as RowStream, lost, reply)
    else if (hasOnly(TEXT_AND_VALUES, statement))
      connection.query(statement.text, statement.values as unknown[], reply)
    else connection.query(statement, reply)
  })
}

/** Returns true if the statement fits into one message with others: a single statement without a name. */
export function canBatch(statement: Statement): statement is QueryConfig {
  if (isSubmittable(statement) || !hasOnly(BATCHABLE, statement)) return false
  return Boolean(statement.values?.length) || !statement.text.includes(';')
}

const TEXT_AND_VALUES = ['text', 'values']
const BATCHABLE = [...TEXT_AND_VALUES, 'types', 'rowMode', 'queryMode', 'binary']

function hasOnly(names: readonly string[], statement: QueryConfig): boolean {
  for (const name in statement)
    if (!names.includes(name) && statement[name as keyof QueryConfig] !== undefined) return false
  return true
}

// Cancels, over a second connection, the statement that the first one runs; PgBouncer forwards the request. Resolves when
// the server has closed the second connection: the signal is sent by then, so it cannot hit a later statement. Never rejects.
export function cancel(target: PgConnection, timeoutMs: number): Promise<void> {
  const { ssl, host, port } = target
  const connection = new pg.Connection({ ssl } as never) as CancelConnection
  return new Promise((resolve) => {
    setTimeout(() => connection.stream.destroy(), timeoutMs).unref()
    const request = (): void => connection.cancel(target.processID, target.secretKey)
    connection.on('connect', () => (ssl ? connection.requestSsl() : request()))
    connection.on('sslconnect', request)
    connection.on('error', () => resolve())
    connection.on('end', () => resolve())
    if (host.startsWith('/')) connection.connect(`${host}/.s.PGSQL.${port}`)
    else connection.connect(port, host)
  })
}

/** Private: pg's types leave `cancel` and the arguments of `connect` out. */
type CancelConnection = Connection & Record<'connect' | 'requestSsl' | 'cancel', (...args: unknown[]) => void>

/** Calls `onSilent` if the socket is silent for `ms`, until the next call. 0 sets no limit. Private: `stream` is the socket. */
export function watchForSilence({ connection }: PgConnection, ms: number, onSilent?: () => void): void {
  const socket = connection.stream as WatchedSocket
  if (!(kOnSilent in socket)) socket.on('timeout', () => socket[kOnSilent]?.())
  socket[kOnSilent] = onSilent
  // the timer is not stopped after a reply: between statements, there is no `onSilent` to call
  if (onSilent) socket.setTimeout(ms)
}

const kOnSilent = Symbol('db-session.on-silent')
type WatchedSocket = Socket & { [kOnSilent]?: (() => void) | undefined }

/** A cursor, a row stream or a COPY. Private: pg-query-stream keeps its `cursor`, whose `state` shows what it waits for. */
interface RowStream extends Submittable, Partial<Duplex> {
  readonly cursor?: { readonly text: string; readonly values: unknown[] | null; readonly state: string }
  readonly state?: string
  close?(callback: () => void): void
  handleReadyForQuery?(connection: Connection): void
  handleError(error: Error, connection?: Connection): void
  [kTarget]?: NodeJS.WritableStream & { readonly destroyed?: boolean }
}

/** The stream that knex gives to the application; its rows come through a pipe. */
const kTarget = Symbol('db-session.target')

// Remembers the target of a stream's rows. An error that nobody listens to fails the session, and must not end the process.
export function prepareStream(statement: Submittable): void {
  const stream = statement as RowStream
  stream.on?.('error', () => {})
  const { pipe } = stream
  if (pipe === undefined) return
  stream.pipe = (target, options) => {
    stream[kTarget] = target
    target.on('error', () => {})
    return pipe.call(stream, target, options) as typeof target
  }
}

/** Returns true for a row stream whose consumer has finished with it: left by `break`, destroyed, or read to the end. */
export function isLeft(statement: Statement): boolean {
  const { destroyed, readableEnded, writableFinished, [kTarget]: target } = statement as RowStream
  const hasEnded = readableEnded || writableFinished || isCursorIn('done', statement)
  return hasEnded || destroyed === true || target?.destroyed === true
}

/** Returns true for a cursor that waits for its consumer (`idle`), or is read to its end (`done`). */
export function isCursorIn(wanted: 'idle' | 'done', statement: Statement): boolean {
  const { cursor, state } = statement as RowStream
  return (cursor?.state ?? state) === wanted
}

/** Closes a cursor, a row stream or a COPY, unless all rows have arrived. A consumer that waits for more needs an error. */
export function close(statement: Statement, error?: Error): void {
  const stream = statement as Partial<RowStream>
  if (isCursorIn('done', statement)) return
  if (stream.destroy) stream.destroy(error)
  else stream.close?.(() => {})
}

/** Reports an error to the consumer of a cursor, a row stream or a COPY that was not sent. */
export function failUnsent(statement: Statement, error: Error): void {
  if (!isSubmittable(statement) || submitted.has(statement)) return
  const stream = statement as RowStream
  stream[stream.destroy ? 'destroy' : 'handleError']?.(error)
}

const submitted = new WeakSet<Submittable>()

/** Returns the text and the values of a statement, as far as they are known. */
export function describe(statement: Statement): { text: string; values: readonly unknown[] } {
  const { text, values } = ((statement as RowStream).cursor ?? statement) as QueryConfig
  return { text: text ?? '', values: values ?? [] }
}

// Private: pg calls `handleReadyForQuery` once the connection is ready for the next statement, and `handleError` on errors.
function submit(connection: PgConnection, stream: RowStream, lost: Lost, reply: Reply): void {
  if (stream.destroyed) return void reply(null)
  submitted.add(stream)
  const { handleReadyForQuery, handleError } = stream
  // a cursor whose connection is lost never closes, so its consumer would wait forever
  const onEnd = (): void => void stream.emit?.('error', lost())
  connection.once('end', onEnd)
  stream.once?.('close', () => connection.off('end', onEnd))
  stream.handleReadyForQuery = (ready) => {
    connection.off('end', onEnd)
    handleReadyForQuery?.call(stream, ready)
    reply(null)
  }
  stream.handleError = (error, messages) => {
    handleError.call(stream, isLost(connection) ? lost(error) : error, messages)
    reply(error)
  }
  connection.query(stream)
}

type Lost = (cause?: Error) => Error
type Reply = (error: Error | null, result?: QueryResult) => void

/** Private: the members that pg calls on a query while it runs. */
interface RunningQuery {
  readonly portal: string
  queryMode: string | undefined
  submit(connection: Connection): Error | null
  handleCommandComplete(message: object, connection: Connection): void
  handleEmptyQuery(): void
  handleDataRow(message: object): void
  _getRows(connection: Connection): void
}
const Query = pg.Query as unknown as new (...args: [QueryConfig | string, unknown, Reply]) => RunningQuery

/** A statement in the extended protocol, with others before and after it, and one Sync at the end. */
class BatchedQuery extends Query {
  readonly #batch: Batch
  #completed = 0

  constructor(batch: Batch, statement: QueryConfig, reply: Reply) {
    // pg copies an object property by property, which takes as long as the rest of the query
    if (hasOnly(TEXT_AND_VALUES, statement)) super(statement.text, statement.values, reply)
    else super(statement, undefined, reply)
    this.queryMode = 'extended'
    this.#batch = batch
  }

  override submit(connection: Connection): Error | null {
    connection.stream.cork()
    connection.stream.write(this.#batch.begin.bytes)
    const error = super.submit(connection)
    connection.stream.uncork()
    return error
  }

  override _getRows(connection: Connection): void {
    connection.execute({ portal: this.portal }, true)
    if (this.#batch.end) connection.stream.write(this.#batch.end.bytes)
    connection.sync()
  }

  override handleCommandComplete(message: object, connection: Connection): void {
    if (this.#completed++ === this.#batch.begin.count) super.handleCommandComplete(message, connection)
  }

  override handleEmptyQuery(): void {
    this.#completed++
  }

  /** Drops the rows of the statements after BEGIN: `select set_config(…)` returns one. */
  override handleDataRow(message: object): void {
    if (this.#completed === this.#batch.begin.count) super.handleDataRow(message)
  }
}
