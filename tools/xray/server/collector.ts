import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { AcceptEvent, RefuseEvent } from '@auth-primer/jwt-kit'
import type { Knex } from 'knex'
import {
  current,
  type EndEvent,
  type FailEvent,
  type ReceiveEvent,
  type RequestEvent,
  type SendEvent,
  type SerializeEvent,
  type ValidateEvent,
} from './channels.ts'
import { PoolStatements } from './pool-statements.ts'
import type { Caller, Step, Trace } from './trace.ts'
import { type NewStep, TraceBuilder } from './trace-builder.ts'

/** Traces that are kept, of API requests and, separately, of requests for pages: opening Swagger UI displaces no API request. */
const MAX_TRACES = 200

/**
 * Builds a trace of each request from the published events, only while started. Calls `onChange` for each trace that has
 * changed, and `onSkip` for each request that is not traced.
 */
export class Collector {
  readonly #onChange: (trace: Trace) => void
  readonly #onSkip: () => void
  readonly #kept = new Map<number, TraceBuilder>()
  /** The trace that each database session belongs to. */
  readonly #sessions = new Map<number, TraceBuilder>()
  readonly #pool: PoolStatements
  readonly #inProgress = new Set<number>()
  #version = 0
  readonly #listeners: readonly (readonly [string, (message: unknown) => void])[]

  constructor(
    { knex, callerChannel }: { knex: Knex; callerChannel?: string | undefined },
    onChange: (trace: Trace) => void,
    onSkip: () => void,
  ) {
    this.#onChange = onChange
    this.#onSkip = onSkip
    this.#pool = new PoolStatements(knex, (step, ms) => this.#add(this.#current, step, ms))
    this.#listeners = Object.entries(this.#handlers(callerChannel)).map(([name, listener]) => [
      name,
      listener as (message: unknown) => void,
    ])
  }

  start(): void {
    for (const [name, listener] of this.#listeners) subscribe(name, listener)
    this.#pool.start()
  }

  stop(): void {
    for (const [name, listener] of this.#listeners) unsubscribe(name, listener)
    this.#pool.stop()
    this.#inProgress.clear()
    // Otherwise every promise of the process would continue to propagate the context.
    current.disable()
  }

  /** Counts the changes so far. */
  get version(): number {
    return this.#version
  }

  /** Returns the traces that have changed since then, oldest first. */
  changedAfter(version: number): Trace[] {
    return Array.from(this.#kept.values())
      .filter((one) => one.version > version)
      .map(({ trace }) => trace)
  }

  get #current(): TraceBuilder | undefined {
    const id = current.getStore()
    return id === undefined ? undefined : this.#kept.get(id)
  }

  #handlers(callerChannel: string | undefined) {
    const findTrace = ({ request }: RequestEvent) => this.#kept.get(request)
    return {
      'auth-primer:xray:receive': (event: ReceiveEvent) => {
        this.#inProgress.add(event.request)
        this.#keep(new TraceBuilder(event))
      },
      'auth-primer:xray:skip': () => {
        // No traced request needs it at the moment.
        if (this.#inProgress.size === 0) current.disable()
        this.#onSkip()
      },
      'auth-primer:xray:admit': (event: RequestEvent) => findTrace(event)?.beginStage(),
      ...(callerChannel && {
        [callerChannel]: (caller: Caller) => this.#change(this.#current, (one) => one.setCaller(caller)),
      }),
      'auth-primer:xray:read': (event: RequestEvent) => this.#change(findTrace(event), (one) => one.read()),
      'auth-primer:xray:validate': (event: ValidateEvent) =>
        this.#change(findTrace(event), (one) => one.validated(event)),
      'auth-primer:xray:fail': (event: FailEvent) =>
        this.#change(findTrace(event), (one) => one.failed(event.failure)),
      'auth-primer:xray:serialize': (event: SerializeEvent) => findTrace(event)?.serializing(event),
      'auth-primer:xray:send': (event: SendEvent) =>
        this.#change(findTrace(event), (one) => one.sending(event)),
      'auth-primer:xray:end': (event: EndEvent) => {
        this.#inProgress.delete(event.request)
        this.#change(findTrace(event), (one) => one.ended(event))
      },

      'auth-primer:jwt-kit:accept': (_event: AcceptEvent) =>
        this.#change(this.#current, (one) => one.accepted()),
      'auth-primer:jwt-kit:refuse': ({ code, part, claim }: RefuseEvent) =>
        this.#change(this.#current, (one) =>
          one.refused({ code, ...(part && { part }), ...(claim !== undefined && { claim }) }),
        ),
      'auth-primer:jwt-kit:sign': () => this.#add(this.#current, { kind: 'sign' }, 0),

      'auth-primer:auth-hash:finish': ({ waitedMs, workedMs }: { waitedMs: number; workedMs: number }) =>
        this.#add(this.#current, { kind: 'hash', waited: waitedMs }, waitedMs + workedMs),
      'auth-primer:auth-hash:verify': ({ ok, reason }: { ok: boolean; reason?: string }) =>
        this.#change(this.#current, (one) => one.compared(ok ? 'ok' : (reason ?? 'wrong-password'))),
      'auth-primer:auth-hash:overload': () =>
        this.#add(
          this.#current,
          { kind: 'hash', failed: true, failure: { code: 'AUTH_HASH_OVERLOADED' } },
          0,
        ),

      'auth-primer:db-session:open': ({ session }: { session: number }) => {
        const one = this.#current
        if (one === undefined) return
        one.sessions.push(session)
        this.#sessions.set(session, one)
      },
      ...Object.fromEntries(
        (['begin', 'query', 'savepoint', 'commit', 'rollback'] as const).map((kind) => [
          `auth-primer:db-session:${kind}`,
          (event: SessionEvent) =>
            this.#add(this.#sessions.get(event.session), createSessionStep(kind, event), event.durationMs),
        ]),
      ),
    }
  }

  #keep(one: TraceBuilder): void {
    this.#kept.set(one.trace.id, one)
    const ofThisKind = [...this.#kept.values()].filter(({ trace }) => trace.isPage === one.trace.isPage)
    if (ofThisKind.length > MAX_TRACES) this.#forget(ofThisKind[0] as TraceBuilder)
    this.#changed(one)
  }

  #forget({ trace, sessions }: TraceBuilder): void {
    this.#kept.delete(trace.id)
    for (const session of sessions) this.#sessions.delete(session)
  }

  #add(one: TraceBuilder | undefined, step: NewStep, ms: number): void {
    this.#change(one, () => one?.add(step, ms))
  }

  #change(one: TraceBuilder | undefined, change: (one: TraceBuilder) => void): void {
    if (one === undefined) return
    change(one)
    this.#changed(one)
  }

  #changed(one: TraceBuilder): void {
    one.version = ++this.#version
    this.#onChange(one.trace)
  }
}

/** db-session's events about the statements that it sent. */
interface SessionEvent {
  readonly session: number
  readonly sql: string
  readonly durationMs: number
  readonly rowCount?: number
  readonly error?: string
  readonly constraint?: string
}

function createSessionStep(kind: Step['kind'], event: SessionEvent): NewStep {
  const { session, sql, rowCount: rows, error, constraint } = event
  const step = rows === undefined ? { kind, session, sql } : { kind, session, sql, rows }
  if (error === undefined) return step
  const failure = { code: error, sqlState: error }
  return { ...step, failed: true, failure: constraint === undefined ? failure : { ...failure, constraint } }
}
