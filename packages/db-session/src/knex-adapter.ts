/** Everything that relies on private parts of knex. `private-parts.test.ts` fails if one of them changes. */
import { EventEmitter } from 'node:events'
import type { Knex } from 'knex'
import type { QueryResult } from 'pg'
import type { Connections } from './connection-pool.ts'
import { DbSessionError } from './errors.ts'
import { isSubmittable, type PgConnection, prepareStream, type Statement } from './pg-wire.ts'
import type { Session } from './session.ts'
import type { Scope } from './session-state.ts'
import type { DbSession, QueryConfig, UnitOfWorkOptions } from './types.ts'

type Work<T> = (db: DbSession) => Promise<T>
type RunUnit = <T>(work: Work<T>, options: UnitOfWorkOptions, outer: Session) => Promise<T>
/** Creates the knex of a session, or of a savepoint in it. */
export type CreateSessionKnex = (session: Session, scope: Scope) => DbSession

/** Returns where a knex has its connections. Private: knex's types do not name the pool and its options. */
export function connectionsOf(knex: Knex): Connections {
  const { client } = knex
  return {
    max: client.config.pool?.max ?? client.poolDefaults().max,
    acquire: () => client.acquireConnection(),
    release: (connection) => void client.releaseConnection(connection),
    // Private: the error of knex's own pool timeout has a name but no code
    isPoolTimeout: (error) => error instanceof Error && error.name === 'KnexTimeoutError',
  }
}

/**
 * Prepares what all sessions of one knex share, so one session costs three small objects.
 *
 * Private: a client can have another client as its prototype; it calls `acquireConnection`, `releaseConnection` and pg's
 * `query(config, callback)`; a knex lists its methods as own members.
 */
export function sessionKnexFactory(knex: Knex, runUnit: RunUnit): CreateSessionKnex {
  const clientPrototype: SessionClient = Object.create(knex.client)
  clientPrototype.transacting = true
  clientPrototype.acquireConnection = async function () {
    return this[kConnection]
  }
  clientPrototype.releaseConnection = async () => {}
  clientPrototype.cancelQuery = async function () {
    this[kConnection].__knex__disposed = new Error('The statement exceeded its timeout.')
  }
  const prototype = Object.create(Function.prototype)
  forwardToBuilder(prototype, knex)
  const members = sessionMembers(knex, create, runUnit)
  Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(members))
  return create

  function create(session: Session, scope: Scope): DbSession {
    const client = Object.create(clientPrototype)
    const db = ((...table: [never]) => client.queryBuilder().table(...table)) as unknown as SessionKnex
    Object.setPrototypeOf(db, prototype)
    db.client = client
    db.isTransaction = true
    db[kConnection] = client[kConnection] = new SessionConnection(session, scope)
    return db
  }
}

type ReplyCallback = (error: Error | null, result?: QueryResult) => void

/** The connection that knex sees: it forwards statements to the session. */
class SessionConnection {
  readonly session: Session
  readonly scope: Scope

  constructor(session: Session, scope: Scope) {
    this.session = session
    this.scope = scope
  }

  /** Private: knex assigns the error of a `.timeout()`, after which the statement goes on without its caller. */
  set __knex__disposed(error: Error) {
    this.scope.failure ??= error
  }

  /** Sends a statement, with a callback or a promise, as pg's Client does. */
  query(statement: Statement | string, values?: unknown, callback?: ReplyCallback): unknown {
    const reply = typeof values === 'function' ? (values as ReplyCallback) : callback
    const given = typeof statement === 'string' ? { text: statement } : statement
    const config = Array.isArray(values) ? { ...given, values } : given
    if (isSubmittable(config)) prepareStream(config)
    else if (typeof config.text !== 'string') throw new TypeError('Expected the statement to have a text.')
    const result = handled(this.session.submit(this.scope, config))
    if (reply) result.then((result) => reply(null, result), reply)
    return isSubmittable(config) || reply ? config : result
  }
}

const kConnection = Symbol('db-session.connection')
type SessionKnex = DbSession & { [kConnection]: SessionConnection }
type SessionClient = Knex.Client & { [kConnection]: SessionConnection; transacting: boolean }

const OUTSIDE = 'It belongs to the knex itself, not to a session of it.'
/** Members of Knex that would leave the session, or outlive it. */
const REFUSED = {
  ...{ initialize: OUTSIDE, destroy: OUTSIDE, withUserParams: OUTSIDE, transactionProvider: OUTSIDE },
  ...{ migrate: OUTSIDE, seed: OUTSIDE },
  rollback: 'A session has no `rollback`: throw an error, or call `rollbackOnly()`.',
}
const NOT_A_TRANSACTION =
  'A transaction inside a session is a savepoint: give `transaction` a function that returns a promise, and no options.'
const QUERY_MEMBERS = ['text', 'values', 'name', 'rowMode']

/** The members of a session besides those of a query builder. */
function sessionMembers(knex: Knex, create: CreateSessionKnex, runUnit: RunUnit): object {
  const members = {
    get userParams() {
      return knex.userParams
    },
    get schema() {
      return this.client.schemaBuilder()
    },
    get fn() {
      return knex.fn
    },
    get mode() {
      return this[kConnection].session.context.spec.mode
    },
    get timeline() {
      return this[kConnection].session.context.timeline.events
    },
    raw(...args: unknown[]) {
      return this.client.raw(...args)
    },
    ref(name: string) {
      return this.client.ref(name)
    },
    queryBuilder() {
      return this.client.queryBuilder()
    },
    batchInsert(...args: Parameters<Knex['batchInsert']>) {
      return knex.batchInsert(...args).transacting(this as unknown as Knex.Transaction)
    },
    isCompleted() {
      return this[kConnection].scope.isClosed
    },
    query(statement: string | QueryConfig, values?: readonly unknown[]) {
      const config = queryConfig(statement, values)
      // whoever listens to knex gets every statement
      this.client.emit('query', { method: 'raw', sql: config.text, bindings: config.values ?? [] })
      const { session, scope } = this[kConnection]
      return handled(session.submit(scope, config as Statement))
    },
    afterCommit(work: () => unknown) {
      assertFunction('afterCommit', work)
      this[kConnection].scope.afterCommit.push(work)
    },
    rollbackOnly() {
      this[kConnection].scope.isRollbackOnly = true
    },
    commit() {
      const { session, scope } = this[kConnection]
      if (scope.parent) return refused('A savepoint is committed with its session.')
      return handled(session.commit())
    },
    savepoint(work: Work<unknown>) {
      assertFunction('savepoint', work)
      const { session, scope } = this[kConnection]
      return handled(session.savepoint(scope, async (inner) => work(create(session, inner))))
    },
    /** knex's name for a savepoint, which Objection's `Model.transaction(db, work)` calls too. */
    transaction(work: Work<unknown>, config?: object) {
      assertFunction('transaction', work)
      if (config !== undefined) return refused(NOT_A_TRANSACTION)
      return this.savepoint((db) => work(db) ?? refused(NOT_A_TRANSACTION))
    },
    unitOfWork(work: Work<unknown>, options: UnitOfWorkOptions = {}) {
      assertFunction('unitOfWork', work)
      return handled(runUnit(work, options, this[kConnection].session))
    },
  } as object & ThisType<SessionKnex & { client: Knex.Client }>
  for (const [name, message] of Object.entries(REFUSED)) {
    const get = () => {
      throw notOnASession(message)
    }
    Object.defineProperty(members, name, { get })
  }
  return members
}

/** `db.select()`, `db.where()` and so on: each is a method of a new builder. */
function forwardToBuilder(prototype: Record<string, unknown>, knex: Knex): void {
  const builder = knex.queryBuilder() as unknown as Record<string, unknown>
  for (const name of Object.keys(knex)) {
    if (typeof builder[name] !== 'function' || name in EventEmitter.prototype) continue
    prototype[name] = function (this: Knex, ...args: unknown[]) {
      const fresh = this.queryBuilder() as unknown as Record<string, (...args: unknown[]) => unknown>
      return fresh[name]?.(...args)
    }
  }
}

function queryConfig(statement: string | QueryConfig, values: readonly unknown[] | undefined): QueryConfig {
  const config =
    typeof statement === 'string' ? { text: statement, ...(values !== undefined && { values }) } : statement
  const { text, values: given = [], name = '', rowMode = 'array' } = config ?? {}
  const unknown = Object.keys(config ?? {}).find((member) => !QUERY_MEMBERS.includes(member))
  if (typeof text !== 'string')
    throw new TypeError('Expected `query` to get a text, or an object with a text.')
  if (!Array.isArray(given)) throw new TypeError('Expected the values of `query` to be an array.')
  if (unknown) throw new TypeError(`Unknown member \`${unknown}\` of a query.`)
  if (typeof name !== 'string' || Buffer.byteLength(name) > 63)
    throw new TypeError('Expected the `name` of a query to be a string of at most 63 bytes.')
  if (rowMode !== 'array') throw new TypeError("Expected the `rowMode` of a query to be 'array'.")
  return config
}

/** An error that nobody awaits fails the session; its rejection must not end the process. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

export function assertFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`Expected \`${name}\` to get a function.`)
}

function notOnASession(message: string): DbSessionError {
  return new DbSessionError('DB_SESSION_NOT_ON_A_SESSION', undefined, message)
}

function refused(message: string): Promise<never> {
  return handled(Promise.reject(notOnASession(message)))
}

/**
 * Gives one connection to everyone who asks a knex for one, until the returned function is called. Private: own members
 * of the client hide those of its class.
 */
export function lendOneConnection(knex: Knex, connection: PgConnection): () => void {
  const { client } = knex
  client.acquireConnection = async () => new SharedConnection(connection)
  client.releaseConnection = async () => {}
  return () => {
    delete client.acquireConnection
    delete client.releaseConnection
  }
}

/**
 * The connection of plain knex inside `withRollback`: each statement runs in a savepoint, and so does each transaction.
 * Private: how knex spells BEGIN, COMMIT and ROLLBACK.
 */
class SharedConnection {
  readonly #connection: PgConnection
  #isInTransaction = false

  constructor(connection: PgConnection) {
    this.#connection = connection
  }

  query(query: { text: string; values?: unknown[] }, callback: ReplyCallback): void {
    this.#run(query).then((result) => callback(null, result), callback)
  }

  async #run(query: { text: string; values?: unknown[] }): Promise<QueryResult> {
    const send = (query: { text: string }): Promise<QueryResult> => this.#connection.query(query)
    if (/^COMMIT\b/i.test(query.text)) return send({ text: 'RELEASE SAVEPOINT knex' })
    if (/^ROLLBACK;?$/i.test(query.text)) return send({ text: 'ROLLBACK TO SAVEPOINT knex' })
    if (this.#isInTransaction) return send(query)
    this.#isInTransaction = /^BEGIN\b/i.test(query.text)
    if (this.#isInTransaction) return send({ text: 'SAVEPOINT knex' })
    await send({ text: 'SAVEPOINT statement' })
    const verb = (await send(query).then(
      (result) => ({ result, text: 'RELEASE SAVEPOINT statement' }),
      (error) => ({ error, text: 'ROLLBACK TO SAVEPOINT statement' }),
    )) as { result?: QueryResult; error?: Error; text: string }
    await send({ text: verb.text })
    if (verb.result) return verb.result
    throw verb.error
  }
}
