import { EventEmitter } from 'node:events'
import type { Knex } from 'knex'
import { DbSessionError } from './errors.ts'
import { type Scope, type Session, transactionFailed } from './session.ts'

/**
 * A Knex whose statements run in one transaction: begun by the first of them, stored when the answer is known
 * to be good, undone when it is not.
 */
export interface DbSession extends Knex {
  /** Runs once what was done is stored, and not at all if it is undone. Its errors are logged, not answered. */
  afterCommit(work: () => unknown): void
  /** Has everything undone at the end, whatever the answer. */
  rollbackOnly(): void
  /** Work that can be undone alone: everything it did is, if it throws. */
  savepoint<T>(work: (db: DbSession) => Promise<T>): Promise<T>
  /** Stores what was done so far, now; the next statement begins a new transaction. */
  commit(): Promise<void>
}

export type MakeFace = (session: Session, scope: Scope, commit: () => Promise<void>) => DbSession

/** Methods of Knex that would leave the session, or outlive it. */
const REFUSED = ['initialize', 'destroy', 'withUserParams', 'transactionProvider']

/**
 * Prepares what all sessions of one knex share, so that one costs two small objects. It stands on Knex's public
 * face alone: a client with `acquireConnection` and `releaseConnection`, the builders it makes, and a connection
 * with pg's `query(config, callback)`.
 */
export function faceOf(knex: Knex): MakeFace {
  const clientPrototype = Object.create(knex.client)
  Object.defineProperties(clientPrototype, {
    transacting: { value: true },
    // the message of a failed statement names its placeholders, not the values
    config: { value: Object.create(knex.client.config, compileSqlOnError(knex)) },
    releaseConnection: { value: () => Promise.resolve() },
  })

  const prototype = Object.create(Function.prototype)
  const builder = knex.queryBuilder() as unknown as Record<string, unknown>
  for (const name of Object.keys(knex)) {
    if (typeof builder[name] !== 'function' || name in EventEmitter.prototype) continue
    prototype[name] = function (this: DbSession, ...args: unknown[]) {
      const fresh = this.queryBuilder() as unknown as Record<string, (...args: unknown[]) => unknown>
      return fresh[name]?.(...args)
    }
  }
  for (const name of REFUSED) {
    prototype[name] = () => {
      throw new DbSessionError(
        'DB_SESSION_NOT_ON_A_SESSION',
        `\`${name}\` is for the knex itself, not for a session of it`,
      )
    }
  }
  Object.defineProperties(prototype, {
    userParams: { get: () => knex.userParams },
    schema: { get: fromClient('schemaBuilder') },
    fn: { get: sessionFunctions },
    raw: { value: viaClient('raw') },
    ref: { value: viaClient('ref') },
    queryBuilder: { value: viaClient('queryBuilder') },
    batchInsert: { value: batchInsert },
    transaction: { value: transaction },
    isCompleted: { value: isCompleted },
  })
  function sessionFunctions(this: DbSession): Knex.FunctionHelper {
    const FunctionHelper = knex.fn.constructor as new (client: unknown) => Knex.FunctionHelper
    return new FunctionHelper(this.client)
  }
  function batchInsert(this: DbSession, ...args: Parameters<Knex['batchInsert']>) {
    return knex.batchInsert(...args).transacting(this as never)
  }

  return function makeFace(session, scope, commit) {
    const client = Object.create(clientPrototype)
    const connection = new FaceConnection(session, scope)
    client.acquireConnection = () => Promise.resolve(connection)
    const face = ((table: string, options?: object) =>
      client.queryBuilder().table(table, options)) as never as DbSession
    Object.setPrototypeOf(face, prototype)
    face.isTransaction = true
    face.client = client
    face.afterCommit = (work) => {
      scope.afterCommit.push(work)
    }
    face.rollbackOnly = () => {
      scope.rollbackOnly = true
    }
    face.savepoint = (work) =>
      runSavepoint(session, scope, (child) => work(makeFace(session, child, refuseCommit)))
    face.commit = commit
    return face
  }
}

/** What knex takes for a connection of pg. */
class FaceConnection {
  readonly #session: Session
  readonly #scope: Scope
  constructor(session: Session, scope: Scope) {
    this.#session = session
    this.#scope = scope
  }
  query(query: never, callback: never): unknown {
    this.#session.run(this.#scope, query, callback)
    return query
  }
}

async function runSavepoint<T>(
  session: Session,
  parent: Scope,
  work: (child: Scope) => Promise<T>,
): Promise<T> {
  const child = session.openSavepoint(parent)
  const name = `s${depth(parent)}`
  let undo = true
  try {
    await session.command(child, `SAVEPOINT ${name}`)
    const result = await work(child)
    if (child.failed !== undefined) throw transactionFailed(child.failed)
    undo = child.rollbackOnly
    return result
  } finally {
    child.over = true
    await session.command(child, undo ? `ROLLBACK TO SAVEPOINT ${name}` : `RELEASE SAVEPOINT ${name}`)
    parent.child = undefined
    if (!undo) parent.afterCommit.push(...child.afterCommit)
  }
}

function depth(scope: Scope): number {
  return scope.parent ? depth(scope.parent) + 1 : 1
}

async function refuseCommit(): Promise<void> {
  throw new DbSessionError(
    'DB_SESSION_NOT_ON_A_SESSION',
    'A savepoint has no commit of its own: it is stored with the session',
  )
}

function transaction<T>(this: DbSession, work: unknown, config?: object): Promise<T> {
  if (typeof work !== 'function' || config !== undefined) {
    throw new DbSessionError(
      'DB_SESSION_NOT_ON_A_SESSION',
      'A transaction within a session is a savepoint: `savepoint(work)`, without an isolation level of its own',
    )
  }
  return this.savepoint(work as (db: DbSession) => Promise<T>)
}

function isCompleted(this: DbSession): boolean {
  return false
}

function viaClient(name: string) {
  return function (this: DbSession, ...args: unknown[]): unknown {
    return this.client[name](...args)
  }
}

function fromClient(name: string) {
  return function (this: DbSession): unknown {
    return this.client[name]()
  }
}

function compileSqlOnError(knex: Knex): PropertyDescriptorMap {
  const { compileSqlOnError = false } = knex.client.config
  return { compileSqlOnError: { value: compileSqlOnError, enumerable: true, configurable: true } }
}
