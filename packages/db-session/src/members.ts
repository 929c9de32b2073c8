import type { Knex } from 'knex'
import { Behind, type Face, kBehind, type MakeFace } from './behind.ts'
import type { DbSession } from './db-session.ts'
import { DbSessionError } from './errors.ts'
import type { DbRoute } from './options.ts'
import { savepoint } from './savepoint.ts'

/** Members of Knex that would leave the session, or outlive it. */
const METHODS_REFUSED = ['initialize', 'destroy', 'withUserParams', 'transactionProvider']
const GETTERS_REFUSED = ['migrate', 'seed']

/** What a session has besides the methods of a query builder: the rest of Knex, and what is its own. */
export function members(knex: Knex, makeFace: MakeFace): object & ThisType<Face> {
  const shared = {
    get userParams() {
      return knex.userParams
    },
    get schema() {
      return this.client.schemaBuilder()
    },
    get fn() {
      return knex.fn
    },
    get timeline() {
      return this[kBehind].session.recorder.timeline
    },
    raw(...args: unknown[]) {
      return this.client.raw(...args)
    },
    /** Straight to pg, past the builder and past knex's own wrapping of a statement. */
    query(text: string, values?: readonly unknown[]) {
      const { session, scope } = this[kBehind]
      const query = values === undefined ? { text } : { text, values: values as unknown[] }
      // Whoever listens to knex hears of it as of any other.
      this.client.emit('query', { method: 'raw', sql: text, bindings: values ?? [] })
      const answered = new Promise((resolve, reject) => {
        session.run(scope, query, (error, result) => (error ? reject(error) : resolve(result)))
      })
      // One that nobody awaits fails the session; its own rejection must not end the process.
      answered.catch(() => {})
      return answered
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
    async commit() {
      const { scope, run } = this[kBehind]
      if (scope.parent) throw noCommit()
      await run.commitEarly()
    },
    savepoint(work: (db: DbSession) => Promise<unknown>) {
      const { session, scope, run } = this[kBehind]
      return savepoint(session, scope, (child) => work(makeFace(new Behind(session, child, run))))
    },
    unitOfWork(work: (db: DbSession) => Promise<unknown>, options: DbRoute = {}) {
      return this[kBehind].run.unitOfWork(work, options)
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

function refused(name: string): () => never {
  return () => {
    throw new DbSessionError(
      'DB_SESSION_NOT_ON_A_SESSION',
      `\`${name}\` is for the knex itself, not for a session of it`,
    )
  }
}

function noCommit(): DbSessionError {
  return new DbSessionError(
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
