import { basename, relative } from 'node:path'
import { CHECKOUT, type Chapter } from '../chapters.ts'
import { type Files, fingerprint, readExercise, readOriginal, readSolution, readTask } from '../exercise.ts'
import { rememberChapter } from '../progress.ts'
import { replaceExercise } from '../replace.ts'
import { Checking, type Store, type Tools } from './checking.ts'
import { describeWait } from './exercise-view.ts'
import {
  findNextOpen,
  findOpenCheck,
  INITIAL,
  type Page,
  readSeconds,
  readShownHints,
  type State,
} from './state.ts'

/** A check that has run this long may be stuck, so its hints are shown on demand. */
const HINT_DELAY_SECONDS = 5

/** Runs what the learner asks for, and keeps the state. */
export class Session implements Store {
  state: State
  readonly checking: Checking
  readonly #onChange: () => void
  /** The fingerprint of the files that this session wrote last. */
  #written: string | undefined
  #onYes: (() => Promise<void>) | undefined

  constructor(
    start: Pick<State, 'chapters' | 'passed' | 'chapter' | 'checksOnSave'>,
    tools: Tools,
    onChange: () => void,
  ) {
    this.state = { ...start, ...INITIAL }
    this.checking = new Checking(tools, this)
    this.#onChange = onChange
  }

  /** Shows a chapter, and checks it. */
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

  /** Checks after a save in the exercises of these chapters. */
  async onSave(folders: ReadonlySet<string>): Promise<void> {
    const { chapters, chapter } = this.state
    const changed = chapters.filter(({ folder }) => folders.has(basename(folder)))
    // A change of many chapters at once, such as a pull, does not switch to another one.
    const [one = chapter] = changed.length === 1 ? changed : []
    const files = fingerprint(await readExercise(one))
    if (files !== this.#written) this.#written = undefined
    // These files are already checked or being checked.
    if (one === chapter && (files === this.#written || this.checking.isChecking(files))) return
    await this.open(one)
  }

  onPostgresStop(): void {
    const again = this.state.checksOnSave ? 'Save or press r' : 'Press r'
    this.set({ notice: `Postgres has stopped. ${again} to start it again and check your code.` })
  }

  showNotice(notice: string): void {
    this.set({ notice })
  }

  /** Shows one more hint. While a check runs, its hints follow once it has taken a while. */
  hint(): void {
    const { running, verdict } = this.state
    const check = findOpenCheck(this.state)
    const { hints = [], mistake } = check ?? {}
    const shown = readShownHints(this.state).length
    if (running && (hints.length === 0 || readSeconds(running) < HINT_DELAY_SECONDS))
      this.showNotice(
        `${describeWait(this.state)} You can get hints when a check fails or takes a long time.`,
      )
    else if (shown < hints.length) this.set({ hints: shown + 1, hintsFor: mistake, notice: undefined })
    else if (shown > 0) this.showNotice('There are no more hints. Press s to see a solution.')
    else
      this.showNotice(
        verdict?.passed ? 'All checks pass, so there is no hint.' : 'There is no hint for this.',
      )
  }

  async next(): Promise<void> {
    const { chapters, passed } = this.state
    const next = findNextOpen(this.state)
    if (next) return this.open(next)
    if (passed.size === chapters.length) this.show('end')
    else this.showNotice('This is the only open chapter.')
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
    await this.#replaceExercise(this.state.solution, 'The solution is now in exercise/.')
  }

  async askToReset(): Promise<void> {
    const original = await readOriginal(this.state.chapter)
    if (fingerprint(original) === fingerprint(await readExercise(this.state.chapter)))
      return this.showNotice('The exercise already has its original files.')
    this.#onYes = () => this.#replaceExercise(original, 'The exercise has its original files again.')
    this.set({
      question:
        'Reset the exercise to its original files? A copy of your files will be kept in .backups/ next to it.',
    })
  }

  async answer(isYes: boolean): Promise<void> {
    const onYes = this.#onYes
    this.#onYes = undefined
    this.set({ question: undefined })
    if (isYes) await onYes?.()
    else this.showNotice('Nothing has been changed.')
  }

  async #replaceExercise(files: Files, done: string): Promise<void> {
    const { chapter } = this.state
    this.#written = fingerprint(files)
    const backup = await replaceExercise(chapter, files)
    const kept = backup ? ` Your files are kept in ${relative(CHECKOUT, backup)}.` : ''
    await this.open(chapter)
    this.showNotice(done + kept)
  }

  set(change: Partial<State>): void {
    this.state = { ...this.state, ...change }
    this.#onChange()
  }
}
