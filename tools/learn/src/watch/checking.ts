import { resolve } from 'node:path'
import type { Chapter } from '../chapters.ts'
import { checkAttempt } from '../check-attempt.ts'
import type { SpareProcess } from '../check-process.ts'
import { exerciseFolder, type Files, fingerprint, readExercise, readOriginal } from '../exercise.ts'
import type { KeptPostgres } from '../keep-postgres.ts'
import { readPassed, rememberVerdict } from '../progress.ts'
import { EMPTY_REPORT } from '../report.ts'
import { findFailedCheck, type State } from './state.ts'
import type { TypeChecker } from './types.ts'

/** How long one check may take. */
const CHECK_TIMEOUT_MS = 30_000

export interface Tools {
  readonly postgres: KeptPostgres
  readonly types: TypeChecker
  readonly spare: SpareProcess
}

export interface Store {
  readonly state: State
  set(change: Partial<State>): void
}

/** Checks the files each time they are saved, one run at a time. */
export class Checking {
  readonly #tools: Tools
  readonly #store: Store
  #current: AbortController | undefined
  /** The fingerprint of the files that were checked last. */
  #checked: string | undefined
  #hasEnded = false
  #settled: Promise<unknown> = Promise.resolve()

  constructor(tools: Tools, store: Store) {
    this.#tools = tools
    this.#store = store
  }

  /** Checks the chapter's files as they are now. Ends a run that is still busy with older files. */
  async check(chapter: Chapter): Promise<void> {
    if (this.#hasEnded) return
    this.abort()
    const current = new AbortController()
    this.#current = current
    const { verdict } = this.#store.state
    const expected = verdict?.checks.map(({ sentence }) => sentence) ?? []
    this.#store.set({
      running: { report: EMPTY_REPORT, since: Date.now(), expected },
      ...{ verdict: undefined, problem: undefined, notice: undefined, typeProblems: [] },
    })
    await this.track(this.#check(chapter, current.signal))
  }

  async #check(chapter: Chapter, signal: AbortSignal): Promise<void> {
    const { postgres, spare } = this.#tools
    // A run of older files no longer changes what is shown.
    const set = (change: Partial<State>) => signal.aborted || this.#store.set(change)
    try {
      const files = await readExercise(chapter)
      const original = await readOriginal(chapter)
      if (signal.aborted) return
      this.#checked = fingerprint(files)
      set({ missing: Object.keys(original).filter((path) => !(path in files)) })
      const verdict = await checkAttempt(chapter, {
        ...{ signal, timeoutMs: CHECK_TIMEOUT_MS, start: spare.start },
        postgresUrl: chapter.tables ? postgres.url().finally(() => set({ notice: undefined })) : undefined,
        onChange: (report) => {
          const { running } = this.#store.state
          if (running) set({ running: { ...running, report, since: Date.now() } })
        },
      })
      await rememberVerdict(chapter, fingerprint(files), verdict.passed)
      const passed = await readPassed(this.#store.state.chapters)
      const mistake = findFailedCheck({ verdict })?.mistake
      const isSame = mistake === this.#store.state.hintsFor
      set({ running: undefined, verdict, passed, hintsFor: mistake, ...(isSame ? {} : { hints: 0 }) })
      if (this.#hasEnded) return
      spare.prepare()
      // The original files have no type errors.
      if (fingerprint(files) !== fingerprint(original)) void this.#checkTypes(chapter, files, set)
    } catch (error) {
      set({ running: undefined, problem: error instanceof Error ? error.message : String(error) })
    }
  }

  async #checkTypes(chapter: Chapter, files: Files, set: (change: Partial<State>) => void): Promise<void> {
    const paths = Object.keys(files).map((path) => resolve(exerciseFolder(chapter), path))
    if (paths.some((path) => path.endsWith('.ts')))
      set({ typeProblems: await this.#tools.types.check(paths) })
  }

  /** Returns true while files with this fingerprint are being checked. */
  isChecking(files: string): boolean {
    return this.#store.state.running !== undefined && files === this.#checked
  }

  /** Makes `settled` wait for this promise as well. */
  track<T>(work: Promise<T>): Promise<T> {
    this.#settled = Promise.allSettled([this.#settled, work])
    return work
  }

  /** Waits for the current run. */
  async settled(): Promise<void> {
    await this.#settled
  }

  /** Ends the current run. */
  abort(): void {
    this.#current?.abort()
  }

  /** Ends the current run, and prevents others. */
  async end(): Promise<void> {
    this.#hasEnded = true
    this.abort()
    await this.#settled
  }
}
