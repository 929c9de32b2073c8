import { setImmediate as immediate } from 'node:timers/promises'
import type { DbSession } from './db-session.ts'
import { DbSessionError } from './errors.ts'
import type { MakeFace } from './face.ts'
import type { Ended, Session } from './session.ts'

/** One run of a work, and what is to happen once it is stored. */
export class Run {
  readonly session: Session
  readonly db: DbSession
  /** It stored something before its end: running it again would store that twice. */
  committedEarly = false
  readonly #onEnd: (run: Run) => void
  readonly #failed: (error: unknown) => void
  #afterwards: Promise<unknown>[] = []

  /** @param onEnd - is called once all is over, the work after its commit included */
  constructor(
    session: Session,
    makeFace: MakeFace,
    onEnd: (run: Run) => void,
    failed: (error: unknown) => void,
  ) {
    this.session = session
    this.#onEnd = onEnd
    this.#failed = failed
    this.db = makeFace({ session, scope: session.root, commit: () => this.#commitEarly() })
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

  async #commitEarly(): Promise<void> {
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

  /** Starts what waited for the commit, once the answer is on its way. */
  #stored(): void {
    for (const work of this.session.root.afterCommit.splice(0)) {
      this.#afterwards.push(immediate().then(work).catch(this.#failed))
    }
  }

  #over(): void {
    if (this.#afterwards.length === 0) this.#onEnd(this)
    else Promise.all(this.#afterwards).then(() => this.#onEnd(this))
  }
}
