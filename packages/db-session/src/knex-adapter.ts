/** Everything that relies on private parts of knex. `private-parts.test.ts` fails if one of them changes. */
import { EventEmitter } from 'node:events'
import type { Knex } from 'knex'
import type { QueryConfig as PgQueryConfig, QueryResult } from 'pg'
import type { Connections } from './connection-pool.ts'
import { notOnASession } from './errors.ts'
import { isSubmittable, type PgConnection, prepareStream, type Statement } from './pg-wire.ts'
import type { Session } from './session.ts'
import type { Scope } from './session-state.ts'
import type { DbSession, QueryConfig, UnitOfWorkOptions } from './types.ts'

type Work<T> = (db: DbSession) => Promise<T>
type RunUnit = <T>(work: Work<T>, options: UnitOfWorkOptions, outer: Session) => Promise<T>
export type CreateSessionKnex = (session: Session, scope: Scope) => DbSession

/** Returns the connections of a knex. Private: knex's types do not name the pool and its options. */
export function getConnections(knex: Knex): Connections {
  const { client } = knex
  return {
    max: client.config.pool?.max ?? client.poolDefaults().max,
    acquire: () => client.acquireConnection(),
    release: (connection) => void client.releaseConnection(connection),
    // Private: the error of knex's own pool timeout has a name but no code
    isPoolTimeout: (error) => error instanceof Error && error.name === 'KnexTimeoutError',
  }
}

// Prepares the parts that all sessions of one knex share. Private: a client can have another client as its prototype; it
// calls `acquireConnection`, `releaseConnection` and pg's `query(config, callback)`; a knex has its methods as own members.
export function createSessionKnexFactory(knex: Knex, runUnit: RunUnit): CreateSessionKnex {
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
  addMethods(prototype, knex, create, runUnit)
  return create

  function create(session: Session, scope: Scope): DbSession {
    const client = Object.create(clientPrototype)
    const db = ((...table: [never]) => client.queryBuilder().table(...table)) as unknown as SessionKnex
    Object.setPrototypeOf(db, prototype)
    db.client = client
    db.isTransaction = true
    db[kConnection] = client[kConnection] = Object.assign(new SessionConnection(), { session, scope })
    return db
  }
}

type ReplyCallback = (error: Error | null, result?: QueryResult) => void

/** The connection that knex sees: it forwards statements to the session. */
class SessionConnection {
  declare readonly session: Session
  declare readonly scope: Scope

  /** Private: knex assigns the error of a `.timeout()`, after which the statement goes on without its caller. */
  set __knex__disposed(error: Error) {
    this.scope.failure ??= error
  }

  query(statement: Statement | string, values?: unknown, callback?: ReplyCallback): unknown {
    const reply = typeof values === 'function' ? (values as ReplyCallback) : callback
    const given = typeof statement === 'string' ? { text: statement } : statement
    const config = Array.isArray(values) ? { ...given, values } : given
    if (isSubmittable(config)) prepareStream(config)
    else if (typeof config.text !== 'string') throw new TypeError('Expected the statement to have a text.')
    const result = markHandled(this.session.submit(this.scope, config))
    if (reply) result.then((result) => reply(null, result), reply)
    return isSubmittable(config) || reply ? config : result
  }
}

const kConnection = Symbol('db-session.connection')
type SessionKnex = DbSession & { client: Knex.Client; [kConnection]: SessionConnection }
type SessionClient = Knex.Client & { [kConnection]: SessionConnection; transacting: boolean }

/** Members of Knex that would leave the session, or outlive it. */
const REFUSED = 'initialize destroy withUserParams transactionProvider migrate seed rollback'.split(' ')
const NO_ROLLBACK = 'A session has no `rollback`: throw an error, or call `rollbackOnly()`.'
const NOT_A_TRANSACTION =
  'A transaction inside a session is a savepoint: give `transaction` a function that returns a promise, and no options.'

type Prototype = Record<string, unknown>
type Implementations = Record<string, (db: SessionKnex, ...args: never[]) => unknown>

/** Defines the members of a session besides those of a query builder. */
function addMethods(prototype: Prototype, knex: Knex, create: CreateSessionKnex, runUnit: RunUnit): void {
  const getters: Implementations = {
    userParams: () => knex.userParams,
    fn: () => knex.fn,
    schema: (db) => db.client.schemaBuilder(),
    mode: (db) => db[kConnection].session.context.spec.mode,
    timeline: (db) => db[kConnection].session.context.timeline.events,
  }
  for (const name of [...REFUSED, ...Object.keys(EventEmitter.prototype)])
    getters[name] = () => {
      const outside = `\`${name}\` belongs to the knex itself, not to a session of it.`
      throw notOnASession(name === 'rollback' ? NO_ROLLBACK : outside)
    }
  const methods: Implementations = {
    raw: (db, ...args) => db.client.raw(...args),
    ref: (db, ...args) => db.client.ref(...args),
    queryBuilder: (db) => db.client.queryBuilder(),
    batchInsert: (db, ...args: Parameters<Knex['batchInsert']>) =>
      knex.batchInsert(...args).transacting(db as unknown as Knex.Transaction),
    isCompleted: (db) => db[kConnection].scope.isClosed,
    query(db, statement: string | QueryConfig, values?: readonly unknown[]) {
      const config = parseQuery(statement, values)
      // listeners of knex get every statement
      db.client.emit('query', { method: 'raw', sql: config.text, bindings: config.values ?? [] })
      const { session, scope } = db[kConnection]
      return markHandled(session.submit(scope, config as Statement))
    },
    afterCommit(db, work: () => unknown) {
      assertFunction('afterCommit', work)
      db[kConnection].scope.assertOpen().afterCommit.push(work)
    },
    rollbackOnly(db) {
      db[kConnection].scope.assertOpen().isRollbackOnly = true
    },
    commit(db) {
      const { session, scope } = db[kConnection]
      return scope.parent ? refuse('A session commits its savepoints.') : markHandled(session.commit())
    },
    savepoint(db, work: Work<unknown>) {
      assertFunction('savepoint', work)
      const { session, scope } = db[kConnection]
      return markHandled(session.savepoint(scope, async (inner) => work(create(session, inner))))
    },
    // knex's name for a savepoint, which Objection's `Model.transaction(db, work)` calls too
    transaction(db, work: Work<unknown>, config?: object) {
      assertFunction('transaction', work)
      if (config !== undefined) return refuse(NOT_A_TRANSACTION)
      return db.savepoint((db) => work(db) ?? refuse(NOT_A_TRANSACTION))
    },
    unitOfWork(db, work: Work<unknown>, options: UnitOfWorkOptions = {}) {
      assertFunction('unitOfWork', work)
      return markHandled(runUnit(work, options, db[kConnection].session))
    },
  }
  const bind = (implementation: Implementations[string]) =>
    function (this: SessionKnex, ...args: never[]) {
      return implementation(this, ...args)
    }
  for (const [name, get] of Object.entries(getters))
    Object.defineProperty(prototype, name, { get: bind(get), enumerable: true, configurable: true })
  for (const [name, method] of Object.entries(methods)) prototype[name] = bind(method)
}

/** Adds `db.select()`, `db.where()` and so on: each calls the method of a new builder. */
function forwardToBuilder(prototype: Prototype, knex: Knex): void {
  const builder = knex.queryBuilder() as unknown as Record<string, unknown>
  for (const name of Object.keys(knex)) {
    if (typeof builder[name] !== 'function') continue
    prototype[name] = function (this: Knex, ...args: unknown[]) {
      const fresh = this.queryBuilder() as unknown as Record<string, (...args: unknown[]) => unknown>
      return fresh[name]?.(...args)
    }
  }
}

function parseQuery(statement: string | QueryConfig, values: readonly unknown[] | undefined): QueryConfig {
  const own = typeof statement === 'string' ? { text: statement } : statement
  const config: QueryConfig = values === undefined ? own : { ...own, values }
  const { text, values: given = [], name = '', rowMode = 'array', ...rest } = config ?? {}
  const [unknown] = Object.keys(rest)
  if (typeof text !== 'string')
    throw new TypeError('Expected `query` to get a text, or an object with a text.')
  if (!Array.isArray(given)) throw new TypeError('Expected the values of `query` to be an array.')
  if (unknown) throw new TypeError(`Unknown member \`${unknown}\` of a query.`)
  if (typeof name !== 'string' || Buffer.byteLength(name) > 63)
    throw new TypeError('Expected the `name` of a query to be a string of at most 63 bytes.')
  if (rowMode !== 'array') throw new TypeError("Expected the `rowMode` of a query to be 'array'.")
  return config
}

/** Marks a promise as handled: an error that nobody awaits fails the session, and must not end the process. */
export function markHandled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

export function assertFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`Expected \`${name}\` to get a function.`)
}

function refuse(message: string): Promise<never> {
  return markHandled(Promise.reject(notOnASession(message)))
}

// Lends one connection to all users of a knex, until the returned function is called. Private: own members hide a class's.
export function lendOneConnection(knex: Knex, connection: PgConnection): () => void {
  const { client } = knex
  client.acquireConnection = async () => shareConnection(connection)
  client.releaseConnection = async () => {}
  return () => {
    delete client.acquireConnection
    delete client.releaseConnection
  }
}

// The connection of plain knex inside `withRollback`: each statement runs in a savepoint, and so does each transaction.
// Private: how knex spells BEGIN, COMMIT and ROLLBACK.
function shareConnection(connection: PgConnection) {
  let isInTransaction = false
  const execute = async (config: PgQueryConfig): Promise<QueryResult> => {
    if (/^COMMIT\b/i.test(config.text)) return connection.query('RELEASE SAVEPOINT knex')
    if (/^ROLLBACK;?$/i.test(config.text)) return connection.query('ROLLBACK TO SAVEPOINT knex')
    if (isInTransaction) return connection.query(config)
    isInTransaction = /^BEGIN\b/i.test(config.text)
    if (isInTransaction) return connection.query('SAVEPOINT knex')
    await connection.query('SAVEPOINT statement')
    const result = await connection.query(config).catch(async (error) => {
      await connection.query('ROLLBACK TO SAVEPOINT statement')
      throw error
    })
    await connection.query('RELEASE SAVEPOINT statement')
    return result
  }
  const query = (config: Statement, callback?: ReplyCallback): unknown =>
    isSubmittable(config)
      ? connection.query(config)
      : execute(config).then((result) => callback?.(null, result), callback)
  return { query }
}
