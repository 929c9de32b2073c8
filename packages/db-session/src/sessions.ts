import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import type { MakeFace } from './behind.ts'
import type { DbSession } from './db-session.ts'
import { DbSessionError, isOfReplica, isRetryable } from './errors.ts'
import { faceOf } from './face.ts'
import { begins } from './first-query.ts'
import { type DbRoute, type Mode, readWork, type Settings, type Work } from './options.ts'
import { Recorder } from './recorder.ts'
import { Run } from './run.ts'
import { Session } from './session.ts'
import { Source } from './source.ts'
import { type Held, Standby } from './standby.ts'
import { within } from './within.ts'

interface Database {
  source: Source
  readonly makeFace: MakeFace
}

/** Opens the sessions of one plugin, and sees them all end. */
export class Sessions {
  readonly settings: Settings
  readonly databases: Readonly<Record<Mode, Database>>
  readonly #log: FastifyBaseLogger
  readonly #standby: Standby
  readonly #open = new Set<Run>()
  readonly #sweep: NodeJS.Timeout
  #closing = false
  #onAllEnded = (): void => {}

  constructor(settings: Settings, log: FastifyBaseLogger) {
    this.settings = settings
    this.#log = log
    const { knex, replica = knex, acquireTimeoutMs, reserve } = settings
    const primary = new Source(knex, acquireTimeoutMs, reserve)
    this.databases = {
      write: { source: primary, makeFace: faceOf(knex, 'write') },
      read: {
        source: replica === knex ? primary : new Source(replica, acquireTimeoutMs, reserve),
        makeFace: faceOf(replica, 'read'),
      },
    }
    this.#standby = new Standby(this.databases.read.source, acquireTimeoutMs, log)
    const period = Math.min(1_000, Math.max(1, settings.leakReportMs))
    this.#sweep = setInterval(() => this.#checkLeaks(), period).unref()
  }

  /**
   * @param level - how many connections its work may hold already: 0 of a request
   * @param mayUseReplica - `false` once the replica that was asked for its condition has failed the work
   */
  open(
    owner: string,
    work: Work,
    level: number,
    log: FastifyBaseLogger = this.#log,
    request?: FastifyRequest,
    mayUseReplica = true,
  ): Run {
    const { source, makeFace } = this.databases[work.mode]
    const recorder = new Recorder(owner, this.settings, log)
    const { write } = this.databases
    const offer = mayUseReplica ? this.#offer(work, level, request) : undefined
    const session =
      this.settings.replicaFor && source !== write.source
        ? new Session(write.source, work, level, this.settings, recorder, offer)
        : new Session(source, work, level, this.settings, recorder)
    const run = new Run(session, makeFace, log, this)
    this.#open.add(run)
    return run
  }

  #offer(work: Work, level: number, request?: FastifyRequest): (() => Promise<Held | undefined>) | undefined {
    if (this.databases[work.mode].source === this.databases.write.source) return undefined
    const condition = this.settings.replicaFor?.(request)
    return condition && (() => this.#standby.begin(condition, begins(work.begin), level))
  }

  /**
   * Runs a work in a session of its own, again where Postgres asks for it.
   *
   * @param outer - the session from whose work it is called, where that is known
   */
  async unitOfWork<T>(work: (db: DbSession) => Promise<T>, route: DbRoute, outer?: Session): Promise<T> {
    if (this.#closing) throw new DbSessionError('DB_SESSION_CLOSING', 'The service is shutting down')
    const prepared = readWork(route, this.settings)
    const level = outer ? outer.level + 1 : 1
    if (outer?.holding && level > this.databases[prepared.mode].source.queue.depth) throw tooDeep()
    return this.#attempt(work, prepared, level, 1)
  }

  async #attempt<T>(
    work: (db: DbSession) => Promise<T>,
    prepared: Work,
    level: number,
    attempt: number,
    mayUseReplica = true,
  ): Promise<T> {
    const owner = work.name || 'unit of work'
    const run = this.open(owner, prepared, level, undefined, undefined, mayUseReplica)
    try {
      const result = await work(run.db)
      await run.commit()
      return result
    } catch (error) {
      const cause = run.session.root.failed ?? error
      await run.rollback()
      if (run.committedEarly) throw error
      if (run.session.onReplica && isOfReplica(cause))
        return this.#attempt(work, prepared, level, attempt, false)
      if (attempt > prepared.retry || !isRetryable(cause)) throw error
    }
    await this.backOff(attempt)
    return this.#attempt(work, prepared, level, attempt + 1, mayUseReplica)
  }

  /** Waits, at random up to twice as long each time, so that those who collided do not collide again. */
  backOff(attempt: number): Promise<unknown> {
    const { backoff, random, sleep } = this.settings
    return sleep(random() * Math.min(backoff.max, backoff.base * 2 ** attempt))
  }

  /** Takes no more work, lets what is under way finish, then closes the pools. */
  async close(): Promise<void> {
    this.#closing = true
    clearInterval(this.#sweep)
    const allEnded = new Promise<void>((resolve) => {
      this.#onAllEnded = resolve
    })
    if (this.#open.size > 0) await within(this.settings.closeTimeoutMs, allEnded, undefined)
    const closing = new DbSessionError('DB_SESSION_CLOSING', 'The service is shutting down')
    await Promise.all([...this.#open].map((run) => run.abort(closing)))
    if (!this.settings.closePools) return
    await this.settings.knex.destroy()
    await this.settings.replica?.destroy()
  }

  /** All of a run is over, the work after its commit included. */
  ended(run: Run): void {
    this.#open.delete(run)
    if (this.#open.size === 0) this.#onAllEnded()
  }

  #checkLeaks(): void {
    const now = performance.now()
    for (const run of this.#open) if (run.session.open) run.session.recorder.checkLeak(now)
  }
}

function tooDeep(): DbSessionError {
  return new DbSessionError(
    'DB_SESSION_NESTED',
    'A unit of work was asked for within more sessions that hold a connection than `reserve` allows: commit the outer one first, use a savepoint of it, or raise `reserve`',
  )
}
