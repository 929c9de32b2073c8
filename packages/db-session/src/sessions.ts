import type { Knex } from 'knex'
import { DbSessionError, isRetryable } from './errors.ts'
import { type DbSession, faceOf, type MakeFace } from './face.ts'
import { type DbRoute, readWork, type Settings, type Work } from './options.ts'
import { type Ended, type Scope, Session } from './session.ts'
import { Source } from './source.ts'

interface Database {
  readonly source: Source
  readonly makeFace: MakeFace
}

/** One run of a work: its session, and what is to happen once it is stored. */
export class Run {
  readonly session: Session
  readonly db: DbSession
  /** Stored something before its end: running it again would store that twice. */
  committedEarly = false
  readonly #report: (error: unknown) => void

  constructor(
    database: Database,
    work: Work,
    mayUseReserve: boolean,
    settings: Settings,
    report: (error: unknown) => void,
  ) {
    this.session = new Session(database.source, work, mayUseReserve, settings.cancelTimeoutMs)
    this.#report = report
    this.db = database.makeFace(this.session, this.session.root, async () => {
      if (this.session.root.rollbackOnly)
        throw new DbSessionError('DB_SESSION_NOT_ON_A_SESSION', '`commit()` after `rollbackOnly()`')
      const ended = await this.session.commit()
      if (ended === 'committed') this.committedEarly = true
      this.stored()
    })
  }

  /** COMMIT, or ROLLBACK where that was asked for. Rejects if what was to be stored was not. */
  async commit(): Promise<Ended> {
    this.session.close()
    const wanted = !this.session.root.rollbackOnly
    const ended = await this.session.commit()
    if (!wanted) this.session.root.afterCommit.length = 0
    return ended
  }

  rollback(): Promise<Ended> {
    this.session.close()
    this.session.root.afterCommit.length = 0
    return this.session.rollback()
  }

  /** Starts what waited for the commit. */
  stored(): void {
    for (const work of this.session.root.afterCommit.splice(0)) {
      Promise.resolve().then(work).catch(this.#report)
    }
  }
}

/** Opens the sessions of one plugin. */
export class Sessions {
  readonly settings: Settings
  readonly #primary: Database
  readonly #replica: Database

  constructor(settings: Settings) {
    this.settings = settings
    const database = (knex: Knex): Database => ({
      source: new Source(knex, settings.acquireTimeoutMs, settings.reserve),
      makeFace: faceOf(knex),
    })
    this.#primary = database(settings.knex)
    this.#replica = settings.replica ? database(settings.replica) : this.#primary
  }

  open(work: Work, mayUseReserve: boolean, report: (error: unknown) => void): Run {
    return new Run(
      work.mode === 'read' ? this.#replica : this.#primary,
      work,
      mayUseReserve,
      this.settings,
      report,
    )
  }

  /** Runs a work in a session of its own, again where Postgres asks for it. */
  async unitOfWork<T>(
    work: (db: DbSession) => Promise<T>,
    route: DbRoute,
    report: (error: unknown) => void,
  ): Promise<T> {
    const prepared = readWork(route, this.settings)
    for (let attempt = 1; ; attempt++) {
      const run = this.open(prepared, true, report)
      try {
        const result = await work(run.db)
        await run.commit()
        run.stored()
        return result
      } catch (error) {
        const cause = run.session.root.failed ?? error
        await run.rollback()
        if (attempt > prepared.retry || run.committedEarly || !isRetryable(cause)) throw error
        await this.backOff(attempt)
      }
    }
  }

  /** Waits, at random up to twice as long each time, so that those who collided do not collide again. */
  backOff(attempt: number): Promise<unknown> {
    const { backoff, random, sleep } = this.settings
    return sleep(random() * Math.min(backoff.max, backoff.base * 2 ** attempt))
  }
}

export type { Scope }
