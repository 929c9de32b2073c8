import { readFile, writeFile } from 'node:fs/promises'
import type { Check, Stage } from '../check.ts'
import { runStages, type StageResult } from '../run.ts'
import type { Subject } from '../subject.ts'
import { findShown, INITIAL, isPassed, listFailed, type State } from './state.ts'

/** Makes the server ready to be checked, after a save or on request. */
export type Prepare = (signal: AbortSignal) => Promise<Subject>

/** Runs what the learner asks for, and keeps the state. */
export class Session {
  state: State
  readonly #file: string
  readonly #prepare: Prepare
  readonly #onChange: () => void
  #current = new AbortController()
  #settled: Promise<void> = Promise.resolve()

  private constructor(state: State, file: string, prepare: Prepare, onChange: () => void) {
    this.state = state
    this.#file = file
    this.#prepare = prepare
    this.#onChange = onChange
  }

  /** Continues after the last stage that was passed, as remembered in the file. */
  static async open(
    stages: readonly Stage[],
    file: string,
    prepare: Prepare,
    onChange: () => void,
  ): Promise<Session> {
    const reached = await readReached(file)
    const stage = stages.find(({ number }) => number > reached) ?? (stages.at(-1) as Stage)
    return new Session({ ...INITIAL, stages, stage, reached }, file, prepare, onChange)
  }

  /** Checks the server. Ends a run that is still busy with older files. */
  async check({ isRequested = false } = {}): Promise<void> {
    this.#current.abort()
    const current = new AbortController()
    this.#current = current
    this.#set({ running: { stage: undefined, check: undefined }, notice: undefined, problem: undefined })
    this.#settled = this.#settled.then(() => this.#check(current.signal, isRequested))
    await this.#settled
  }

  async #check(signal: AbortSignal, isRequested: boolean): Promise<void> {
    if (signal.aborted) return
    try {
      const subject = await this.#prepare(signal)
      await this.#run(subject, signal, isRequested)
    } catch (error) {
      if (!signal.aborted) this.#set({ problem: (error as Error).message })
    }
    // a run of older files no longer changes what is shown
    if (!signal.aborted) this.#set({ running: undefined })
  }

  /** Checks the stage that the learner works on, then the ones before it, and the next ones if these all pass. */
  async #run(subject: Subject, signal: AbortSignal, isRequested: boolean): Promise<void> {
    const { stages, stage } = this.state
    const index = stages.indexOf(stage)
    const check = async (each: Stage): Promise<boolean> => {
      // it uses up what a server allows, so a save does not start it
      if (each.isCostly && !(isRequested && each === stage)) return each !== stage
      const onCheck = (_stage: Stage, check: Check): void => this.#set({ running: { stage: each, check } })
      const [result] = await runStages([each], subject, { isComplete: false, signal, onCheck })
      if (signal.aborted || result === undefined) return false
      this.#add(result)
      return result.isPassed
    }
    const isSilent = () => this.state.results.get(stage.number)?.results.some((result) => result.isSilent)
    let passes = await check(stage)
    for (const each of stages.slice(0, index)) if (!isSilent()) passes = (await check(each)) && passes
    for (const each of stages.slice(index + 1)) if (passes) passes = await check(each)
    if (!signal.aborted) await this.#conclude()
  }

  /** Keeps a result. Hints belong to a check, so they go if another one is shown. */
  #add(result: StageResult): void {
    const before = findShown(this.state)?.check
    const results = new Map(this.state.results).set(result.stage.number, result)
    const after = findShown({ ...this.state, results })?.check
    this.#set({ results, ...(before !== after && { hints: 0, failure: 0 }) })
  }

  /** Goes to the first stage that does not pass, unless the learner has chosen another one, and remembers the ones before. */
  async #conclude(): Promise<void> {
    const { stages, stage, reached, isChosen } = this.state
    const open = stages.findIndex((each) => !isPassed(this.state, each))
    const next = stages[open]
    const last = (open === -1 ? stages : stages.slice(0, open)).at(-1)?.number ?? '00'
    const isStaying = isChosen && !isPassed(this.state, stage)
    if (!isStaying && next && next !== stage) this.#goTo(next, false)
    if (last > reached) {
      this.#set({
        reached: last,
        notice: `You have passed stage ${last} for the first time.`,
      })
      await writeFile(this.#file, `${JSON.stringify({ reached: last })}\n`)
    } else if (last < reached && !isStaying)
      this.#set({ notice: `You previously passed stage ${reached}. Stage ${next?.number} fails now.` })
  }

  #goTo(stage: Stage, isChosen: boolean): void {
    this.#set({ stage, isChosen, page: 'stage', hints: 0, failure: 0, notice: undefined })
  }

  /** Runs the command of a key. */
  async press(key: string): Promise<void> {
    if (this.state.page === 'list') return this.#pressInList(key)
    if (key === 'h') this.#showHint()
    else if (key === 'f') this.#showNextFailure()
    else if (key === 'r' || key === 'return') await this.check({ isRequested: true })
    else if (key === 'n') await this.#step(1)
    else if (key === 'p') await this.#step(-1)
    else if (key === 'l') this.#set({ page: 'list', selected: this.state.stages.indexOf(this.state.stage) })
  }

  async #pressInList(key: string): Promise<void> {
    const { stages, selected } = this.state
    if (key === 'up' || key === 'k') this.#set({ selected: Math.max(0, selected - 1) })
    else if (key === 'down' || key === 'j') this.#set({ selected: Math.min(stages.length - 1, selected + 1) })
    else if (key === 'return') await this.#choose(selected)
    else if (key === 'l' || key === 'escape') this.#set({ page: 'stage' })
  }

  async #step(step: number): Promise<void> {
    const { stages, stage } = this.state
    const index = stages.indexOf(stage) + step
    if (stages[index]) return this.#choose(index)
    this.#set({ notice: step > 0 ? 'This is the last stage.' : 'This is the first stage.' })
  }

  async #choose(index: number): Promise<void> {
    const stage = this.state.stages[index]
    if (!stage) return
    this.#goTo(stage, true)
    if (!stage.isCostly && !this.state.results.has(stage.number)) await this.check()
  }

  #showHint(): void {
    const { running, hints } = this.state
    const shown = findShown(this.state)
    if (!shown)
      this.#set({
        notice: running ? 'The check is still running.' : 'No check fails here, so there is no hint.',
      })
    else if (hints < shown.check.hints.length) this.#set({ hints: hints + 1, notice: undefined })
    else this.#set({ notice: 'There are no more hints. The page of the stage explains it.' })
  }

  #showNextFailure(): void {
    const count = listFailed(this.state).length
    if (count > 1) this.#set({ failure: (this.state.failure + 1) % count, hints: 0, notice: undefined })
    else this.#set({ notice: count === 1 ? 'Only this check fails.' : 'No check fails here.' })
  }

  /** Ends the run under way, and waits for it. */
  async end(): Promise<void> {
    this.#current.abort()
    await this.#settled
  }

  /** Waits for the run under way. */
  async settled(): Promise<void> {
    await this.#settled
  }

  #set(change: Partial<State>): void {
    this.state = { ...this.state, ...change }
    this.#onChange()
  }
}

async function readReached(file: string): Promise<string> {
  try {
    return String(JSON.parse(await readFile(file, 'utf8')).reached ?? '00')
  } catch {
    // the file does not exist yet, or is damaged: the first run finds out how far the server is
    return '00'
  }
}
