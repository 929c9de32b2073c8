import { ConnectionPool, type Waiting } from './connection-pool.ts'
import { DbSessionError, isConflict, toDbSessionError } from './errors.ts'
import * as adapter from './knex-adapter.ts'
import { parseTransactionSpec, type Settings, UNIT_OPTIONS } from './options.ts'
import { Session, type SessionContext } from './session.ts'
import { Timeline } from './timeline.ts'
import { withTimeout } from './transaction.ts'
import type { BeginStatements, DbSession, Log, UnitOfWork, UnitOfWorkOptions } from './types.ts'

const MAX_LEAK_CHECK_INTERVAL_MS = 1_000

/** Returns the statements that follow BEGIN. Called for each BEGIN. */
export type GetBegin = () => BeginStatements
type Begin = readonly GetBegin[]
type Work<T> = (db: DbSession) => Promise<T>

type OpenOptions = Pick<SessionContext, 'spec' | 'isUnit' | 'log'> & {
  readonly owner: string
  readonly begin: Begin
}

/** The manager of each function that runs units of work. */
export const managers = new WeakMap<object, SessionManager>()

export type OpenSession = ReturnType<SessionManager['open']>

/** Opens the sessions of one database, and waits for them when it is closed. */
export class SessionManager {
  readonly settings: Settings
  /** The pool of the primary; `withRollback` replaces it. */
  primary: ConnectionPool
  replica: ConnectionPool | undefined
  readonly #log: Log
  readonly #createSessionKnex: adapter.CreateSessionKnex
  readonly #open = new Map<Session, OpenOptions>()
  readonly #leakTimer: NodeJS.Timeout
  #isClosing = false
  #onAllEnded = (): void => {}

  constructor(settings: Settings, log: Log) {
    this.settings = settings
    this.#log = log
    const { knex, replica, acquireTimeoutMs, leakReportMs } = settings
    this.primary = new ConnectionPool(adapter.getConnections(knex), acquireTimeoutMs)
    this.replica = replica && new ConnectionPool(adapter.getConnections(replica), acquireTimeoutMs)
    this.#createSessionKnex = adapter.createSessionKnexFactory(knex, (work, options, outer) =>
      this.#runUnit(work, options, this.#open.get(outer)?.begin ?? [], outer),
    )
    const checkLeaks = (): void => {
      for (const session of this.#open.keys()) if (session.isOpen) session.context.timeline.checkLeak()
    }
    this.#leakTimer = setInterval(checkLeaks, Math.min(MAX_LEAK_CHECK_INTERVAL_MS, leakReportMs)).unref()
  }

  open(options: OpenOptions) {
    const { begin, owner, spec, isUnit, log } = options
    const pools = spec.usesReplica && this.replica ? [this.replica, this.primary] : [this.primary]
    const session = new Session({
      spec,
      isUnit,
      log,
      timeline: new Timeline(owner, this.settings, log),
      cancelTimeoutMs: this.settings.cancelTimeoutMs,
      acquire: () => this.#acquire(pools, isUnit),
      getExtraBegin: () => begin.flatMap((getBegin) => getBegin()),
      onEnded: () => {
        this.#open.delete(session)
        if (this.#open.size === 0) this.#onAllEnded()
      },
    })
    this.#open.set(session, options)
    return { session, db: this.#createSessionKnex(session, session.root) }
  }

  createUnitOfWork(begin: GetBegin | undefined): UnitOfWork {
    const unitOfWork: UnitOfWork = (work, options = {}) => {
      adapter.assertFunction('unitOfWork', work)
      return adapter.markHandled(this.#runUnit(work, options, begin ? [begin] : []))
    }
    managers.set(unitOfWork, this)
    return unitOfWork
  }

  /** Runs a unit of work, and again after a conflict. `outer` is the session that waits for it, if there is one. */
  async #runUnit<T>(work: Work<T>, options: UnitOfWorkOptions, begin: Begin, outer?: Session): Promise<T> {
    if (this.#isClosing) throw new DbSessionError('DB_SESSION_CLOSING')
    if (outer?.root.isClosed) throw new DbSessionError('DB_SESSION_OVER')
    const spec = parseTransactionSpec(this.settings, options, UNIT_OPTIONS)
    const { begin: ownBegin = [] } = options
    if (outer?.needsConnection && (outer.context.isUnit || !this.primary.canNest))
      throw new DbSessionError('DB_SESSION_NESTED')
    const owner = work.name || 'unit of work'
    const openOptions = { owner, spec, isUnit: true, log: this.#log, begin: [...begin, () => ownBegin] }
    for (let run = 1; ; run++) {
      const { session, db } = this.open(openOptions)
      outer?.adopt(session)
      try {
        const result = await work(db)
        await session.finish()
        return result
      } catch (error) {
        const cause = session.root.failure ?? error
        await session.abort(new DbSessionError('DB_SESSION_OVER'))
        if (run > spec.retry || session.hasCommittedEarly || !isConflict(cause) || outer?.root.isClosed)
          throw toDbSessionError(error) ?? error
      }
      await this.backOff(run)
    }
  }

  /** Waits a random time before the next run, so that units of work that collided do not collide again. */
  backOff(run: number): Promise<unknown> {
    const { backoff, random, sleep } = this.settings
    return sleep(random() * Math.min(backoff.max, backoff.base * 2 ** run))
  }

  /** Rejects new units of work, waits for open sessions, and closes the pools if `closePools` is set. */
  async close(): Promise<void> {
    this.#isClosing = true
    clearInterval(this.#leakTimer)
    const allEnded = new Promise<void>((resolve) => {
      this.#onAllEnded = resolve
    })
    if (this.#open.size > 0) await withTimeout(this.settings.closeTimeoutMs, allEnded, undefined)
    const closing = new DbSessionError('DB_SESSION_CLOSING')
    await Promise.all([...this.#open.keys()].map((session) => session.abort(closing)))
    if (!this.settings.closePools) return
    await this.settings.knex.destroy()
    await this.settings.replica?.destroy()
  }

  /** Asks the pools in turn, and removes the other one: the pool that gives a connection serves the whole session. */
  #acquire(pools: ConnectionPool[], isUnit: boolean): Waiting {
    const [pool, other] = pools as [ConnectionPool, ConnectionPool?]
    let waiting = pool.acquire(isUnit)
    if (other === undefined) return waiting
    const lease = waiting.lease.then(
      (lease) => {
        pools.pop()
        return lease
      },
      (err) => {
        this.#log.warn({ err }, 'the replica gives no connection, so the primary serves this session')
        pools.shift()
        waiting = other.acquire(isUnit)
        return waiting.lease
      },
    )
    return { lease, stop: () => waiting.stop() }
  }
}
