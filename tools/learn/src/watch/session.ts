import { basename, relative, resolve } from 'node:path'
import { CHECKOUT, type Chapter } from '../chapters.ts'
import { check } from '../check.ts'
import type { Spare } from '../check-process.ts'
import {
  exerciseFolder,
  type Files,
  fingerprint,
  readExercise,
  readOriginal,
  readSolution,
  readTask,
} from '../exercise.ts'
import type { KeptPostgres } from '../keep-postgres.ts'
import { readPassed, rememberChapter, rememberVerdict } from '../progress.ts'
import { replaceExercise } from '../replace.ts'
import { failedClaim, nextOpen, type Page, type State } from './state.ts'
import type { TypeChecker } from './types.ts'

/** More is an endless loop, in milliseconds. */
const PATIENCE_MS = 30_000

export interface Tools {
  readonly postgres: KeptPostgres
  readonly types: TypeChecker
  readonly spare: Spare
  readonly onChange: (state: State) => void
}

/** What a learner does, and what comes of it. */
export class Session {
  state: State
  readonly #tools: Tools
  #running: AbortController | undefined
  /** The fingerprint of the files that were checked last. */
  #checked: string | undefined
  #isEnded = false
  #over: Promise<unknown> = Promise.resolve()
  #onYes: (() => Promise<void>) | undefined

  constructor(start: Pick<State, 'chapters' | 'passed' | 'chapter' | 'watches'>, tools: Tools) {
    this.#tools = tools
    this.state = {
      ...start,
      ...{ task: '', files: [], missing: [] },
      ...{ running: undefined, verdict: undefined, problem: undefined, hints: 0, hintsFor: undefined },
      ...{
        typeFaults: [],
        notice: undefined,
        page: 'exercise',
        selected: 0,
        solution: {},
        question: undefined,
      },
    }
  }

  /** Goes to a chapter, and checks it. */
  open(chapter: Chapter): Promise<void> {
    return this.#track(this.#open(chapter))
  }

  async #open(chapter: Chapter): Promise<void> {
    const isOther = chapter !== this.state.chapter
    this.#set({
      ...{ chapter, page: 'exercise', task: await readTask(chapter), notice: undefined },
      files: Object.keys(await readOriginal(chapter)),
      ...(isOther && { hints: 0, verdict: undefined }),
    })
    await rememberChapter(chapter)
    await this.check()
  }

  /** Checks the files as they are now; a check that still runs is of older ones, and is ended. */
  async check(): Promise<void> {
    if (this.#isEnded) return
    this.#running?.abort()
    const running = new AbortController()
    this.#running = running
    const { chapter, verdict } = this.state
    const expected = verdict?.claims.map(({ sentence }) => sentence) ?? []
    const started = { startedAt: Date.now(), expected, claims: [], now: undefined, isOver: false }
    this.#set({ running: started, verdict: undefined, problem: undefined, notice: undefined, typeFaults: [] })
    await this.#track(this.#check(chapter, running.signal))
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#over = Promise.allSettled([this.#over, work])
    return work
  }

  async #check(chapter: Chapter, signal: AbortSignal): Promise<void> {
    const isOld = () => signal.aborted
    try {
      const files = await readExercise(chapter)
      const wanted = Object.keys(await readOriginal(chapter))
      if (isOld()) return
      this.#checked = fingerprint(files)
      this.#set({ missing: wanted.filter((path) => !(path in files)) })
      const postgresUrl = chapter.hasTables ? await this.#tools.postgres.url() : undefined
      if (isOld()) return
      this.#set({ notice: undefined })
      const verdict = await check(chapter, {
        ...{ postgresUrl, signal, patienceMs: PATIENCE_MS, start: this.#tools.spare.start },
        onChange: (report) => {
          const { running } = this.state
          if (running && !isOld()) this.#set({ running: { ...running, ...report } })
        },
      })
      await rememberVerdict(chapter, fingerprint(files), verdict.passed)
      if (isOld()) return
      this.#set({ running: undefined, verdict, passed: await readPassed(this.state.chapters) })
      const mistake = failedClaim(this.state)?.mistake
      this.#set({ hintsFor: mistake, ...(mistake !== this.state.hintsFor && { hints: 0 }) })
      this.#tools.spare.prepare()
      this.#checkTypes(chapter, files, signal)
    } catch (error) {
      if (isOld()) return
      this.#set({ running: undefined, problem: error instanceof Error ? error.message : String(error) })
    }
  }

  #checkTypes(chapter: Chapter, files: Files, signal: AbortSignal): void {
    const paths = Object.keys(files).map((path) => resolve(exerciseFolder(chapter), path))
    if (this.#isEnded || !paths.some((path) => path.endsWith('.ts'))) return
    void this.#tools.types.check(paths).then((typeFaults) => {
      if (!signal.aborted) this.#set({ typeFaults })
    })
  }

  /** Somebody has saved a file of these chapters' exercises. */
  async saved(folders: ReadonlySet<string>): Promise<void> {
    const { chapters, chapter } = this.state
    const changed = chapters.filter(({ folder }) => folders.has(basename(folder)))
    // With many at once, such as a pull's, nobody has gone to another chapter.
    const [one = chapter] = changed.length === 1 ? changed : []
    const isNew = one !== chapter || fingerprint(await readExercise(one)) !== this.#checked
    // What runs is of these very files.
    if (!isNew && this.state.running) return
    await this.open(one)
  }

  /** Postgres went away by itself. */
  postgresStopped(): void {
    const again = this.state.watches ? 'save, or press r' : 'press r'
    this.#set({ notice: `Postgres has stopped. The next check starts it again: ${again}.` })
  }

  say(notice: string): void {
    this.#set({ notice })
  }

  hint(): void {
    const { hints } = this.state
    const all = failedClaim(this.state)?.hints ?? []
    if (hints < all.length) this.#set({ hints: hints + 1, notice: undefined })
    else this.say(this.#noHint(all.length))
  }

  #noHint(shown: number): string {
    const { verdict, running } = this.state
    if (shown > 0) return 'These are all the hints. s shows a solution.'
    if (running) return 'The check still runs. There are hints where a claim does not hold.'
    return verdict?.passed ? 'Every claim holds: there is nothing to hint at.' : 'There is no hint for this.'
  }

  async next(): Promise<void> {
    const { chapters, passed } = this.state
    const next = nextOpen(this.state)
    if (next) return this.open(next)
    if (passed.size === chapters.length) this.show('end')
    else this.say('This is the only one that is still open.')
  }

  show(page: Page): void {
    const { chapters, chapter } = this.state
    this.#set({ page, notice: undefined, selected: chapters.indexOf(chapter) })
  }

  select(step: number): void {
    const { selected, chapters } = this.state
    this.#set({ selected: Math.max(0, Math.min(chapters.length - 1, selected + step)) })
  }

  async openSelected(): Promise<void> {
    const chapter = this.state.chapters[this.state.selected]
    if (chapter) await this.open(chapter)
  }

  async showSolution(): Promise<void> {
    this.#set({ solution: await readSolution(this.state.chapter) })
    this.show('solution')
  }

  async takeSolution(): Promise<void> {
    await this.#replaceBy(this.state.solution, 'The solution is in exercise/ now.')
  }

  async askToReset(): Promise<void> {
    const original = await readOriginal(this.state.chapter)
    if (fingerprint(original) === fingerprint(await readExercise(this.state.chapter)))
      return this.say('The exercise is as it came.')
    this.#onYes = () => this.#replaceBy(original, 'The exercise is as it came.')
    this.#set({ question: 'Put the exercise back as it came? Yours is kept beside it, in .backups/.' })
  }

  async answer(isYes: boolean): Promise<void> {
    const onYes = this.#onYes
    this.#onYes = undefined
    this.#set({ question: undefined })
    if (isYes) await onYes?.()
    else this.say('Nothing has been changed.')
  }

  async #replaceBy(files: Files, done: string): Promise<void> {
    const { chapter } = this.state
    const backup = await replaceExercise(chapter, files)
    const kept = backup ? ` Yours is kept in ${relative(CHECKOUT, backup)}.` : ''
    await this.open(chapter)
    this.say(done + kept)
  }

  /** Waits for the check that runs. */
  async settled(): Promise<void> {
    await this.#over
  }

  /** Ends what runs. */
  async end(): Promise<void> {
    this.#isEnded = true
    this.#running?.abort()
    await this.#over
  }

  #set(change: Partial<State>): void {
    this.state = { ...this.state, ...change }
    this.#tools.onChange(this.state)
  }
}
