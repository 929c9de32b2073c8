import { EventEmitter } from 'node:events'
import type { Knex } from 'knex'
import type { DbSession } from './db-session.ts'
import { DbSessionError } from './errors.ts'
import { savepoint } from './savepoint.ts'
import type { Scope } from './scope.ts'
import type { Session } from './session.ts'

/** What stands behind the face of a session, or of a savepoint in it. */
interface Behind {
  readonly session: Session
  readonly scope: Scope
  readonly commit: () => Promise<void>
}

const kBehind = Symbol('db-session.behind')
type Face = DbSession & { [kBehind]: Behind }

export type MakeFace = (behind: Behind) => DbSession

/** Members of Knex that would leave the session, or outlive it. */
const METHODS_REFUSED = ['initialize', 'destroy', 'withUserParams', 'transactionProvider']
const GETTERS_REFUSED = ['migrate', 'seed']

/**
 * Prepares what all sessions of one knex share, so that one session costs two small objects. It stands on
 * Knex's public face: a client with `acquireConnection` and `releaseConnection`, the builders it makes, and
 * a connection with pg's `query(config, callback)`.
 */
export function faceOf(knex: Knex, mode: 'read' | 'write'): MakeFace {
  const clientPrototype = Object.create(knex.client, {
    transacting: { value: true },
    releaseConnection: { value: async () => {} },
  })
  const prototype = Object.create(Function.prototype, { mode: { value: mode } })
  forwardToBuilder(prototype, knex)
  Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(members(knex, makeFace)))
  return makeFace

  function makeFace(behind: Behind): DbSession {
    const client = Object.create(clientPrototype)
    const connection = new FaceConnection(behind.session, behind.scope)
    client.acquireConnection = async () => connection
    const face = ((...table: [never]) => client.queryBuilder().table(...table)) as unknown as Face
    Object.setPrototypeOf(face, prototype)
    face.client = client
    face.isTransaction = true
    face[kBehind] = behind
    return face
  }
}

/** `db.select()`, `db.where()` and the like: each a fresh builder's method. */
function forwardToBuilder(prototype: Record<string, unknown>, knex: Knex): void {
  const builder = knex.queryBuilder() as unknown as Record<string, unknown>
  for (const name of Object.keys(knex)) {
    if (typeof builder[name] !== 'function' || name in EventEmitter.prototype) continue
    prototype[name] = function (this: Face, ...args: unknown[]) {
      const fresh = this.queryBuilder() as unknown as Record<string, (...args: unknown[]) => unknown>
      return fresh[name]?.(...args)
    }
  }
}

/** The rest of Knex, and what a session adds to it. */
function members(knex: Knex, makeFace: MakeFace): object & ThisType<Face> {
  const refused = (name: string) => (): never => {
    throw new DbSessionError(
      'DB_SESSION_NOT_ON_A_SESSION',
      `\`${name}\` is for the knex itself, not for a session of it`,
    )
  }
  const shared = {
    get userParams() {
      return knex.userParams
    },
    get schema() {
      return this.client.schemaBuilder()
    },
    get fn() {
      return new (knex.fn.constructor as new (client: unknown) => Knex.FunctionHelper)(this.client)
    },
    get timeline() {
      return this[kBehind].session.recorder.timeline
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
      return this[kBehind].scope.over
    },
    afterCommit(work: () => unknown) {
      this[kBehind].scope.afterCommit.push(work)
    },
    rollbackOnly() {
      this[kBehind].scope.rollbackOnly = true
    },
    commit() {
      return this[kBehind].commit()
    },
    savepoint(work: (db: DbSession) => Promise<unknown>) {
      const { session, scope } = this[kBehind]
      return savepoint(session, scope, (child) => work(makeFace({ session, scope: child, commit: noCommit })))
    },
    /** Knex's word for a savepoint, which Objection's `Model.transaction(db, work)` says too. */
    async transaction(work: unknown, config?: object) {
      if (typeof work !== 'function' || config !== undefined) throw noTransaction()
      return this.savepoint((db) => {
        const done = work(db)
        if (typeof done?.then !== 'function') throw noTransaction()
        return done
      })
    },
  } as object & ThisType<Face>
  for (const name of METHODS_REFUSED) Object.defineProperty(shared, name, { value: refused(name) })
  for (const name of GETTERS_REFUSED) Object.defineProperty(shared, name, { get: refused(name) })
  return shared
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

async function noCommit(): Promise<void> {
  throw new DbSessionError(
    'DB_SESSION_NOT_ON_A_SESSION',
    'A savepoint has no commit of its own: it is stored with its session',
  )
}

function noTransaction(): DbSessionError {
  return new DbSessionError(
    'DB_SESSION_NOT_ON_A_SESSION',
    'A transaction within a session is a savepoint: give `transaction` one function that returns a promise, and no isolation level',
  )
}
