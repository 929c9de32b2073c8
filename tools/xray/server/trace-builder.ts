import type { EndEvent, ReceiveEvent, SendEvent, SerializeEvent, ValidateEvent } from './channels.ts'
import type { Caller, Failure, Step, Trace, Why } from './trace.ts'

/** A step without its times. */
export type NewStep = Omit<Step, 'from' | 'to'>

/** Longer traces and statements are cut off. */
const MAX_STEPS = 100
const MAX_SQL_LENGTH = 2_000

/** Builds the trace of one request from its events. */
export class TraceBuilder {
  readonly trace: Trace
  /** The database sessions that it opened. */
  readonly sessions: number[] = []
  /** The collector's version at its last change. */
  version = 0
  readonly #startedAt = performance.now()
  /** When the current stage began. */
  #since = 0
  #isSerializing = false
  #sendStatus: number | undefined
  /** Postgres has asked for a retry. */
  #mayRunAgain = false

  constructor({ request: id, requestId, method, path, isPage }: ReceiveEvent) {
    this.trace = { id, requestId, method, path, ...(isPage && { isPage }), at: Date.now(), steps: [] }
  }

  /** Begins a stage. */
  beginStage(): void {
    this.#since = this.#now()
  }

  accepted(): void {
    this.#addStage({ kind: 'token' })
  }

  refused(failure: Failure): void {
    this.#addStage({ kind: 'token', failed: true, failure })
  }

  setCaller(caller: Caller): void {
    this.trace.caller = caller
  }

  read(): void {
    this.#since = Math.max(this.#since, this.#latest)
    if (hasBody(this.trace)) this.#addStage({ kind: 'body' })
    else this.beginStage()
  }

  validated({ parts }: ValidateEvent): void {
    if (parts.length > 0) this.#addStage({ kind: 'validation', parts })
  }

  /** Records a thrown error. */
  failed(failure: Failure): void {
    const { trace } = this
    trace.reason = failure
    const { code } = failure
    if (code.startsWith('JWT_KIT_')) {
      if (!trace.steps.some(({ kind }) => kind === 'token')) this.refused(failure)
    } else if (code === 'VALIDATION_FAILED') this.#addStage({ kind: 'validation', failed: true, failure })
    else if (code.startsWith('FST_ERR_CTP_')) this.#addStage({ kind: 'body', failed: true, failure })
    else this.add({ kind: 'thrown', failed: true, failure }, 0)
    this.beginStage()
  }

  serializing({ problem, omitted }: SerializeEvent): void {
    const { trace } = this
    if (problem) trace.problem = problem
    else delete trace.problem
    if (omitted.length > 0) trace.omitted = omitted
    this.beginStage()
    this.#isSerializing = true
  }

  sending({ status }: SendEvent): void {
    this.#sendStatus = status
    if (this.#isSerializing) this.#addStage({ kind: 'serialize' })
    this.#isSerializing = false
  }

  ended({ status, isSent }: EndEvent): void {
    const { trace } = this
    trace.ms = this.#now()
    if (!isSent) {
      trace.clientDisconnected = true
      return
    }
    trace.status = status
    this.#push({ kind: 'send', from: this.#latest, to: trace.ms })
  }

  /** Records the result of the password comparison that was added last. */
  compared(verdict: string): void {
    const index = this.trace.steps.findLastIndex(({ kind }) => kind === 'hash')
    const step = this.trace.steps[index]
    if (step) this.trace.steps[index] = { ...step, verdict, ...(verdict !== 'ok' && { failed: true }) }
  }

  /** Adds a step that has just ended after this many milliseconds. */
  add(step: NewStep, ms: number): void {
    const { sqlState } = step.failure ?? {}
    if (sqlState === '40001' || sqlState === '40P01') this.#mayRunAgain = true
    const to = this.#now()
    let from = Math.max(0, round(to - ms))
    // A first statement waits for its connection together with BEGIN, and is sent with it.
    const before = this.trace.steps.at(-1)
    if (before?.kind === 'begin' && before.session === step.session) from = Math.max(from, before.to)
    const added: Writable<Step> = { ...step, from, to }
    if (step.sql !== undefined && step.sql.length > MAX_SQL_LENGTH)
      added.sql = step.sql.slice(0, MAX_SQL_LENGTH)
    if (step.waited !== undefined) added.waited = round(step.waited)
    if (step.kind === 'rollback') added.why = this.#whyRolledBack()
    this.#push(added)
  }

  /** Adds the current stage, which has just ended. */
  #addStage(step: Omit<Step, 'from' | 'to'>): void {
    const to = this.#now()
    this.#push({ ...step, from: this.#since, to })
    this.#since = to
  }

  #push(step: Step): void {
    const { trace } = this
    if (trace.steps.length < MAX_STEPS) trace.steps.push(step)
    else trace.droppedSteps = (trace.droppedSteps ?? 0) + 1
  }

  /** When the last finished step ended. */
  get #latest(): number {
    return this.trace.steps.reduce((latest, { to }) => Math.max(latest, to), 0)
  }

  #whyRolledBack(): Why {
    const { clientDisconnected, reason } = this.trace
    if (clientDisconnected) return { because: 'disconnected' }
    if (reason) return { because: 'thrown', code: reason.code }
    if (this.#sendStatus !== undefined && this.#sendStatus >= 400)
      return { because: 'response', status: this.#sendStatus }
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
