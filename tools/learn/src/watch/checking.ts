import { resolve } from 'node:path'
import type { Chapter } from '../chapters.ts'
import { checkAttempt } from '../check.ts'
import type { Spare } from '../check-process.ts'
import { exerciseFolder, type Files, fingerprint, readExercise, readOriginal } from '../exercise.ts'
import type { KeptPostgres } from '../keep-postgres.ts'
import { readPassed, rememberVerdict } from '../progress.ts'
import { findFailedCheck, type State } from './state.ts'
import type { TypeChecker } from './types.ts'

/** More is an endless loop, in milliseconds. */
const PATIENCE_MS = 30_000

export interface Tools {
  readonly postgres: KeptPostgres
  readonly types: TypeChecker
  readonly spare: Spare
}

/** Where the state is kept. */
export interface Store {
  readonly state: State
  set(change: Partial<State>): void
}

/** Checks files as they are saved, one check at a time. */
export class Checking {
  readonly #tools: Tools
  readonly #store: Store
  #running: AbortController | undefined
  /** The fingerprint of the files that are, or were, checked last. */
  #checked: string | undefined
  #isEnded = false
  #over: Promise<unknown> = Promise.resolve()

  constructor(tools: Tools, store: Store) {
    this.#tools = tools
    this.#store = store
  }

  /** Checks the chapter's files as they are now; a check that still runs is of older ones, and is ended. */
  async check(chapter: Chapter): Promise<void> {
    if (this.#isEnded) return
    this.abort()
    const running = new AbortController()
    this.#running = running
    const { verdict } = this.#store.state
    const expected = verdict?.checks.map(({ sentence }) => sentence) ?? []
    const started = { startedAt: Date.now(), expected, checks: [], now: undefined, isOver: false }
    this.#store.set({
      ...{ running: started, verdict: undefined, problem: undefined, notice: undefined, typeFaults: [] },
    })
    await this.track(this.#check(chapter, running.signal))
  }

  async #check(chapter: Chapter, signal: AbortSignal): Promise<void> {
    const { postgres, spare } = this.#tools
    // Nothing is said of files that are no longer those.
    const set = (change: Partial<State>) => signal.aborted || this.#store.set(change)
    try {
      const files = await readExercise(chapter)
      const original = await readOriginal(chapter)
      if (signal.aborted) return
      this.#checked = fingerprint(files)
      set({ missing: Object.keys(original).filter((path) => !(path in files)) })
      const postgresUrl = chapter.hasTables ? await postgres.url() : undefined
      set({ notice: undefined })
      const verdict = await checkAttempt(chapter, {
        ...{ postgresUrl, signal, patienceMs: PATIENCE_MS, start: spare.start },
        onChange: (report) => {
          const { running } = this.#store.state
          if (running) set({ running: { ...running, ...report } })
        },
      })
      await rememberVerdict(chapter, fingerprint(files), verdict.passed)
      const passed = await readPassed(this.#store.state.chapters)
      const mistake = findFailedCheck({ verdict })?.mistake
      const isSame = mistake === this.#store.state.hintsFor
      set({ running: undefined, verdict, passed, hintsFor: mistake, ...(isSame ? {} : { hints: 0 }) })
      if (this.#isEnded) return
      spare.prepare()
      // What came is right in its types.
      if (fingerprint(files) !== fingerprint(original)) void this.#checkTypes(chapter, files, set)
    } catch (error) {
      set({ running: undefined, problem: error instanceof Error ? error.message : String(error) })
    }
  }

  async #checkTypes(chapter: Chapter, files: Files, set: (change: Partial<State>) => void): Promise<void> {
    const paths = Object.keys(files).map((path) => resolve(exerciseFolder(chapter), path))
    if (paths.some((path) => path.endsWith('.ts'))) set({ typeFaults: await this.#tools.types.check(paths) })
  }

  /** Whether a check runs of files with that fingerprint. */
  isOf(files: string): boolean {
    return this.#store.state.running !== undefined && files === this.#checked
  }

  /** Has `settled` wait for that as well. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#over = Promise.allSettled([this.#over, work])
    return work
  }

  /** Waits for the check that runs. */
  async settled(): Promise<void> {
    await this.#over
  }

  /** Ends the check that runs. */
  abort(): void {
    this.#running?.abort()
  }

  /** Begins no other either. */
  async end(): Promise<void> {
    this.#isEnded = true
    this.abort()
    await this.#over
  }
}
