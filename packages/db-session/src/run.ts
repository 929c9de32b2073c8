import { setImmediate as immediate } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { Behind, type MakeFace } from './behind.ts'
import type { DbSession } from './db-session.ts'
import { DbSessionError } from './errors.ts'
import type { DbRoute } from './options.ts'
import type { Ended, Session } from './session.ts'
import type { Sessions } from './sessions.ts'

/** One run of a work, and what is to happen once it is stored. */
export class Run {
  readonly session: Session
  readonly db: DbSession
  /** It stored something before its end: running it again would store that twice. */
  committedEarly = false
  readonly #log: FastifyBaseLogger
  readonly #sessions: Sessions
  #afterwards: Promise<unknown>[] = []

  constructor(session: Session, makeFace: MakeFace, log: FastifyBaseLogger, sessions: Sessions) {
    this.session = session
    this.#log = log
    this.#sessions = sessions
    this.db = makeFace(new Behind(session, session.root, this))
  }

  /** COMMIT, or ROLLBACK where that was asked for. Rejects if what was to be stored was not. */
  async commit(): Promise<Ended> {
    this.session.close()
    if (this.session.root.rollbackOnly) return this.rollback()
    const ended = await this.session.commit()
    this.#stored()
    this.#over()
    return ended
  }

  async rollback(): Promise<Ended> {
    this.session.close()
    const ended = await this.session.rollback()
    this.#over()
    return ended
  }

  async abort(reason: DbSessionError): Promise<void> {
    this.session.close()
    await this.session.abort(reason)
    this.#over()
  }

  /** Stores what was done so far; the next statement begins a new transaction. */
  async commitEarly(): Promise<void> {
    if (this.session.root.rollbackOnly) {
      throw new DbSessionError(
        'DB_SESSION_NOT_ON_A_SESSION',
        '`rollbackOnly()` was called: there is nothing to commit',
      )
    }
    const { root } = this.session
    try {
      if ((await this.session.commit()) === 'committed') this.committedEarly = true
    } catch (error) {
      // swallowed, it would let the answer say that this was stored
      root.failed = error
      root.afterCommit = []
      throw error
    }
    this.#stored()
  }

  /** A unit of work that this one may wait for, on a connection besides its own. */
  async unitOfWork<T>(work: (db: DbSession) => Promise<T>, route: DbRoute): Promise<T> {
    return this.#sessions.unitOfWork(work, route, this.session)
  }

  /** Starts what waited for the commit, once the answer is on its way. */
  #stored(): void {
    const { root, recorder } = this.session
    if (root.afterCommit.length === 0) return
    const failed = (err: unknown): void =>
      this.#log.error({ err, owner: recorder.owner }, 'work after the commit failed')
    for (const work of root.afterCommit.splice(0)) {
      this.#afterwards.push(immediate().then(work).catch(failed))
    }
  }

  #over(): void {
    if (this.#afterwards.length === 0) this.#sessions.ended(this)
    else Promise.all(this.#afterwards).then(() => this.#sessions.ended(this))
  }
}
