import { setTimeout as sleep } from 'node:timers/promises'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import pg from 'pg'
import { Checker, checkResponse, type Row } from './check.ts'
import type { Program } from './program.ts'
import { POOL, type Service, serve } from './service.ts'
import { Trace } from './trace.ts'

/** More than three times the pool. */
const AT_ONCE = 14
const KILL_EVERY = 40
const RESPONSE_TIMEOUT_MS = 30_000
const QUIET_TIMEOUT_MS = 10_000

export interface Violation {
  /** Undefined if the service as a whole is at fault. */
  readonly trace?: Trace
  readonly what: string
}

/** Runs programs as concurrent requests to a service, and checks them over separate connections. */
export class Run {
  readonly statuses = new Map<string, number>()
  readonly #traces = new Map<number, Trace>()
  readonly #checker = new Checker()
  readonly #violations: Violation[] = []
  #via: string | undefined
  #database!: Awaited<ReturnType<typeof createTestDatabase>>
  #other!: pg.Pool
  #service!: Service

  /** @param via - host and port of a PgBouncer that the service goes through */
  async open(via: string | undefined): Promise<void> {
    this.#database = await createTestDatabase()
    this.#other = new pg.Pool({ connectionString: this.#database.url, application_name: 'fuzz-check' })
    this.#other.on('error', () => {})
    await this.#other.query(`
      create table entries (id bigserial primary key, request int not null, label text not null unique, counter int,
        xid text not null default pg_current_xact_id()::text,
        marker text default current_setting('fuzz.request', true));
      create table counters (id int primary key, n int not null default 0);
      insert into entries (request, label) values (-1, 'taken');
      insert into counters values (1), (2)`)
    const url = new URL(this.#database.url)
    this.#via = via
    if (via) url.host = via
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(event, (error: Error) =>
        this.#violations.push({ what: `${event}: ${error?.stack ?? error}` }),
      )
    }
    this.#service = await serve(url.href, this.#traces)
  }

  /** Runs programs at the same time, waits until no part of them is under way, and returns the violations. */
  async runBatch(programs: readonly Program[]): Promise<Violation[]> {
    const waiting = [...programs]
    const worker = async (): Promise<void> => {
      for (let program = waiting.shift(); program; program = waiting.shift()) {
        await this.#sendRequest(new Trace(program))
        if (programs.length > KILL_EVERY && program.index % KILL_EVERY === 0) await this.#killOne()
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
    await this.#waitUntilQuiet()
    await this.#fillPool()
    const rows = await this.#readRows('true')
    for (const trace of this.#traces.values()) {
      const own = rows.filter(({ request }) => request === trace.program.index)
      this.#complain(trace, this.#checker.check(trace, own))
    }
    await this.#checkCounters()
    await this.#other.query('delete from entries where request >= 0; update counters set n = 0')
    this.#traces.clear()
    return this.#violations.splice(0)
  }

  async close(): Promise<Violation[]> {
    await this.#service.close()
    // PgBouncer keeps its own connections open
    const isReleased =
      this.#via || (await waitUntil(async () => (await this.#readConnections('true')).length === 0))
    if (!isReleased) this.#violations.push({ what: 'connections are open after the service was closed' })
    await this.#other.end()
    await this.#database.drop()
    return this.#violations.splice(0)
  }

  async #sendRequest(trace: Trace): Promise<void> {
    const { index, route } = trace.program
    this.#traces.set(index, trace)
    const disconnect = new AbortController()
    trace.disconnect = () => disconnect.abort()
    const timeout = AbortSignal.timeout(RESPONSE_TIMEOUT_MS)
    try {
      const response = await fetch(`${this.#service.base}/${route}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-index': String(index) },
        body: '{}',
        signal: AbortSignal.any([disconnect.signal, timeout]),
      })
      trace.response = { status: response.status, body: await response.text() }
    } catch {
      if (timeout.aborted) this.#complain(trace, ['there was no response in 30 seconds'])
    }
    this.#count(trace)
    this.#complain(
      trace,
      checkResponse(trace, trace.response ? await this.#readRows('request = $1', [index]) : []),
    )
  }

  #count({ response }: Trace): void {
    let name = 'disconnected'
    if (response)
      name =
        response.status < 400
          ? String(response.status)
          : `${response.status} ${JSON.parse(response.body).code ?? ''}`
    this.statuses.set(name, (this.statuses.get(name) ?? 0) + 1)
  }

  #complain(trace: Trace, violations: readonly string[]): void {
    for (const what of [...trace.violations.splice(0), ...violations]) this.#violations.push({ trace, what })
  }

  async #readRows(where: string, values: unknown[] = []): Promise<Row[]> {
    const { rows } = await this.#other.query(`select * from entries where request >= 0 and ${where}`, values)
    return rows
  }

  /** The service's connections to Postgres. */
  async #readConnections(where: string): Promise<{ pid: number; state: string }[]> {
    const { rows } = await this.#other.query(`select pid, state from pg_stat_activity
      where datname = current_database() and application_name <> 'fuzz-check' and ${where}`)
    return rows
  }

  async #killOne(): Promise<void> {
    const busy = await this.#readConnections("state <> 'idle'")
    // each of these may have lost its connection
    for (const trace of this.#traces.values()) if (!trace.response) trace.mayBeKilled = true
    if (busy[0]) await this.#other.query('select pg_terminate_backend($1)', [busy[0].pid])
  }

  async #waitUntilQuiet(): Promise<void> {
    const { pool } = this.#service.knex.client
    const traces = [...this.#traces.values()]
    const isQuiet = await waitUntil(async () => {
      if (traces.some(({ active }) => active > 0)) return false
      if (pool.numUsed() + pool.numPendingAcquires() > 0) return false
      return (await this.#readConnections("state <> 'idle'")).length === 0
    })
    if (isQuiet) return
    for (const trace of traces.filter(({ active }) => active > 0))
      this.#complain(trace, ['the program hangs'])
    if (pool.numUsed() > 0)
      this.#violations.push({ what: `${pool.numUsed()} connections were never released` })
    for (const { state } of await this.#readConnections("state <> 'idle'")) {
      this.#violations.push({ what: `a connection is left, ${state}` })
    }
  }

  /** Uses every slot of the pool, which fails if one has leaked. */
  async #fillPool(): Promise<void> {
    const fill = async (): Promise<boolean> => {
      const signal = AbortSignal.timeout(QUIET_TIMEOUT_MS)
      return (await fetch(`${this.#service.base}/full`, { method: 'POST', signal })).ok
    }
    const results = await Promise.allSettled(Array.from({ length: POOL - 1 }, fill))
    if (results.some((result) => result.status === 'rejected' || !result.value)) {
      this.#violations.push({ what: 'requests can no longer use the whole pool' })
    }
  }

  async #checkCounters(): Promise<void> {
    const { rows } =
      await this.#other.query(`select id, n, (select count(*)::int from entries where counter = counters.id) as entries
      from counters`)
    for (const { id, n, entries } of rows) {
      if (n !== entries) this.#violations.push({ what: `counter ${id} is ${n}, with ${entries} entries` })
    }
  }
}

async function waitUntil(check: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + QUIET_TIMEOUT_MS
  while (performance.now() < deadline) {
    if (await check()) return true
    await sleep(2)
  }
  return false
}
