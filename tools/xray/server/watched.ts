import type { EndEvent, ReceiveEvent, SendEvent, SerialiseEvent, ValidateEvent } from './channels.ts'
import type { Caller, Failure, Step, Trace, Why } from './trace.ts'

/** A step without its times. */
export type NewStep = Omit<Step, 'from' | 'to'>

/** So much of a request is kept, and so much of a statement: what is longer is for a log. */
const MOST_STEPS = 100
const MOST_SQL = 2_000

/** One request, and what is needed to tell of it what the events alone do not say. */
export class Watched {
  readonly trace: Trace
  /** The sessions that it opened. */
  readonly sessions: number[] = []
  /** Of the last change. */
  version = 0
  readonly #startedAt = performance.now()
  /** When the stage began that is under way. */
  #since = 0
  #isSerialising = false
  #sendStatus: number | undefined
  /** Postgres has asked for another try. */
  #mayRunAgain = false

  constructor({ request: id, requestId, method, path }: ReceiveEvent) {
    this.trace = { id, requestId, method, path, at: Date.now(), steps: [] }
  }

  /** A stage begins. */
  mark(): void {
    this.#since = this.#now()
  }

  accepted(): void {
    this.#addStage({ kind: 'token' })
  }

  refused(failure: Failure): void {
    this.#addStage({ kind: 'token', failed: true, failure })
  }

  callerIs(caller: Caller): void {
    this.trace.caller = caller
  }

  read(): void {
    this.#since = Math.max(this.#since, this.#latest)
    if (hasBody(this.trace)) this.#addStage({ kind: 'body' })
    else this.mark()
  }

  validated({ parts }: ValidateEvent): void {
    if (parts.length > 0) this.#addStage({ kind: 'validation', parts })
  }

  /** An error was thrown; what of it is shown beside the answer is what the answer does not say. */
  failed(failure: Failure): void {
    const { trace } = this
    trace.reason = failure
    const { code } = failure
    if (code.startsWith('JWT_KIT_')) {
      if (!trace.steps.some(({ kind }) => kind === 'token')) this.refused(failure)
    } else if (code === 'VALIDATION_FAILED') this.#addStage({ kind: 'validation', failed: true, failure })
    else if (code.startsWith('FST_ERR_CTP_')) this.#addStage({ kind: 'body', failed: true, failure })
    else this.add({ kind: 'thrown', failed: true, failure }, 0)
    this.mark()
  }

  serialising({ problem, keptBack }: SerialiseEvent): void {
    const { trace } = this
    if (problem) trace.problem = problem
    else delete trace.problem
    if (keptBack.length > 0) trace.keptBack = keptBack
    this.mark()
    this.#isSerialising = true
  }

  sending({ status }: SendEvent): void {
    this.#sendStatus = status
    if (this.#isSerialising) this.#addStage({ kind: 'serialise' })
    this.#isSerialising = false
  }

  ended({ status, isSent }: EndEvent): void {
    const { trace } = this
    trace.ms = this.#now()
    if (!isSent) {
      trace.left = true
      return
    }
    trace.status = status
    this.#push({ kind: 'send', from: this.#latest, to: trace.ms })
  }

  /** What was thought of the password that was compared last. */
  judged(verdict: string): void {
    const index = this.trace.steps.findLastIndex(({ kind }) => kind === 'hash')
    const step = this.trace.steps[index]
    if (step) this.trace.steps[index] = { ...step, verdict, ...(verdict !== 'ok' && { failed: true }) }
  }

  /** A step that has just ended, and how long it took. */
  add(step: NewStep, ms: number): void {
    const { sqlState } = step.failure ?? {}
    if (sqlState === '40001' || sqlState === '40P01') this.#mayRunAgain = true
    const to = this.#now()
    let from = Math.max(0, round(to - ms))
    // A statement that waits for a connection is asked for before its BEGIN; it is sent with it.
    const before = this.trace.steps.at(-1)
    if (before?.kind === 'begin' && before.session === step.session) from = Math.max(from, before.to)
    const added: Writable<Step> = { ...step, from, to }
    if (step.sql !== undefined && step.sql.length > MOST_SQL) added.sql = step.sql.slice(0, MOST_SQL)
    if (step.waited !== undefined) added.waited = round(step.waited)
    if (step.kind === 'rollback') added.why = this.#why()
    this.#push(added)
  }

  /** A stage that began at the last mark has just ended. */
  #addStage(step: Omit<Step, 'from' | 'to'>): void {
    const to = this.#now()
    this.#push({ ...step, from: this.#since, to })
    this.#since = to
  }

  #push(step: Step): void {
    const { trace } = this
    if (trace.steps.length < MOST_STEPS) trace.steps.push(step)
    else trace.more = (trace.more ?? 0) + 1
  }

  /** When the last of what has ended had ended. */
  get #latest(): number {
    return this.trace.steps.reduce((latest, { to }) => Math.max(latest, to), 0)
  }

  #why(): Why {
    const { left, reason } = this.trace
    if (left) return { because: 'left' }
    if (reason) return { because: 'thrown', code: reason.code }
    if (this.#sendStatus !== undefined && this.#sendStatus >= 400)
      return { because: 'answer', status: this.#sendStatus }
    if (this.#mayRunAgain) return { because: 'retry' }
    return { because: this.#sendStatus === undefined ? 'over' : 'asked' }
  }

  #now(): number {
    return round(performance.now() - this.#startedAt)
  }
}

type Writable<T> = { -readonly [Name in keyof T]: T[Name] }

function hasBody({ method }: Trace): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH'
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100
}
