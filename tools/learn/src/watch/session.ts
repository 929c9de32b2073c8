import { basename, relative } from 'node:path'
import { CHECKOUT, type Chapter } from '../chapters.ts'
import { type Files, fingerprint, readExercise, readOriginal, readSolution, readTask } from '../exercise.ts'
import { rememberChapter } from '../progress.ts'
import { replaceExercise } from '../replace.ts'
import { Checking, type Store, type Tools } from './checking.ts'
import { EMPTY, findFailedCheck, nextOpen, type Page, type State } from './state.ts'

/** What a learner does, and what comes of it. */
export class Session implements Store {
  state: State
  readonly checking: Checking
  readonly #onChange: () => void
  /** The fingerprint of the files that were put in place here, last. */
  #put: string | undefined
  #onYes: (() => Promise<void>) | undefined

  constructor(
    start: Pick<State, 'chapters' | 'passed' | 'chapter' | 'watches'>,
    tools: Tools,
    onChange: () => void,
  ) {
    this.state = { ...start, ...EMPTY }
    this.checking = new Checking(tools, this)
    this.#onChange = onChange
  }

  /** Goes to a chapter, and checks it. */
  open(chapter: Chapter): Promise<void> {
    return this.checking.track(
      this.#open(chapter).catch((error: Error) => this.set({ problem: error.message })),
    )
  }

  async #open(chapter: Chapter): Promise<void> {
    const isOther = chapter !== this.state.chapter
    this.checking.abort()
    this.set({
      ...{ chapter, page: 'exercise', task: await readTask(chapter), notice: undefined },
      files: Object.keys(await readOriginal(chapter)),
      ...(isOther && { hints: 0, verdict: undefined, running: undefined }),
    })
    await rememberChapter(chapter)
    await this.check()
  }

  check(): Promise<void> {
    return this.checking.check(this.state.chapter)
  }

  /** Somebody has saved a file of these chapters' exercises. */
  async saved(folders: ReadonlySet<string>): Promise<void> {
    const { chapters, chapter } = this.state
    const changed = chapters.filter(({ folder }) => folders.has(basename(folder)))
    // With many at once, such as a pull's, nobody has gone to another chapter.
    const [one = chapter] = changed.length === 1 ? changed : []
    const files = fingerprint(await readExercise(one))
    if (files !== this.#put) this.#put = undefined
    // Those are checked already.
    if (one === chapter && (files === this.#put || this.checking.isOf(files))) return
    await this.open(one)
  }

  /** Postgres went away by itself. */
  postgresStopped(): void {
    const again = this.state.watches ? 'save, or press r' : 'press r'
    this.set({ notice: `Postgres has stopped. The next check starts it again: ${again}.` })
  }

  say(notice: string): void {
    this.set({ notice })
  }

  hint(): void {
    const { hints } = this.state
    const all = findFailedCheck(this.state)?.hints ?? []
    if (hints < all.length) this.set({ hints: hints + 1, notice: undefined })
    else this.say(this.#noHint(all.length))
  }

  #noHint(shown: number): string {
    const { verdict, running } = this.state
    if (shown > 0) return 'These are all the hints. s shows a solution.'
    if (running) return 'The check still runs. There are hints if a check fails.'
    return verdict?.passed ? 'All checks pass: there is nothing to hint at.' : 'There is no hint for this.'
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
    this.set({ page, notice: undefined, selected: chapters.indexOf(chapter) })
  }

  select(step: number): void {
    const { selected, chapters } = this.state
    this.set({ selected: Math.max(0, Math.min(chapters.length - 1, selected + step)) })
  }

  async openSelected(): Promise<void> {
    const chapter = this.state.chapters[this.state.selected]
    if (chapter) await this.open(chapter)
  }

  async showSolution(): Promise<void> {
    this.set({ solution: await readSolution(this.state.chapter) })
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
    this.set({ question: 'Put the exercise back as it came? Yours is kept beside it, in .backups/.' })
  }

  async answer(isYes: boolean): Promise<void> {
    const onYes = this.#onYes
    this.#onYes = undefined
    this.set({ question: undefined })
    if (isYes) await onYes?.()
    else this.say('Nothing has been changed.')
  }

  async #replaceBy(files: Files, done: string): Promise<void> {
    const { chapter } = this.state
    this.#put = fingerprint(files)
    const backup = await replaceExercise(chapter, files)
    const kept = backup ? ` Yours is kept in ${relative(CHECKOUT, backup)}.` : ''
    await this.open(chapter)
    this.say(done + kept)
  }

  set(change: Partial<State>): void {
    this.state = { ...this.state, ...change }
    this.#onChange()
  }
}
