import { setTimeout as sleep } from 'node:timers/promises'
import knexFactory, { type Knex } from 'knex'
import { LRUCache } from 'lru-cache'
import { toCell } from './cell.ts'
import type { Change, RowView, TableView } from './table-view.ts'
import type { Step, Trace } from './trace.ts'

export interface TableOptions {
  readonly name: string
  /** The columns of its primary key. */
  readonly key: readonly string[]
}

interface ChangedRow extends Change {
  readonly table: string
  readonly id: string
  readonly row: Row
}

type Row = Readonly<Record<string, unknown>>

interface TableRows {
  readonly count: number
  readonly rows: ReadonlyMap<string, Row>
}

const MAX_ROWS = 200
/** As many as the traces of the API's requests. */
const MAX_REQUESTS = 200
/** The pause between two comparisons, so that they cost a busy service little. */
const PAUSE_MS = 100
/** The alias of `xmin`, the id of the transaction that wrote the row. */
const VERSION = 'xray_version'

/**
 * Reads tables on a separate connection, and finds out which rows a request changed: after each commit, it compares the
 * tables with how they were before. It cannot distinguish requests that commit within the same few milliseconds.
 */
export class Tables {
  readonly #tables: readonly TableOptions[]
  readonly #knex: Knex
  readonly #changes = new LRUCache<number, ChangedRow[]>({ max: MAX_REQUESTS })
  /** The requests that have committed since the last comparison, and the tables that each wrote. */
  #committed = new Map<number, Set<string>>()
  readonly #seen = new WeakSet<Step>()
  #latest: ReadonlyMap<string, TableRows> | undefined
  #idle: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  constructor(knex: Knex, tables: readonly TableOptions[]) {
    this.#tables = tables
    // In the service's pool, it would take connections from the requests that it observes.
    this.#knex = knexFactory({ ...knex.client.config, pool: { min: 0, max: 1, afterCreate: nameConnection } })
  }

  /** Forgets how the tables were. Call it when traces begin to arrive. */
  start(): void {
    this.#latest = undefined
    this.#compare().catch(() => {})
  }

  /** Receives each trace whenever it has changed. */
  changed({ id, steps }: Trace): void {
    const last = steps.at(-1)
    if (last === undefined || last.failed || !(last.kind === 'commit' || last.onPool)) return
    if (this.#seen.has(last)) return
    this.#seen.add(last)
    const written = this.#listWrittenTables(last.onPool ? [last] : steps.filter(isInSession(last)))
    if (written.length === 0) return
    this.#committed.set(id, new Set([...(this.#committed.get(id) ?? []), ...written]))
    this.#compare().catch(() => {})
  }

  /** Returns the tables as they are now, with the changes of a request. */
  async read(request: number): Promise<TableView[]> {
    await this.#compare()
    const changes = this.#changes.get(request) ?? []
    return this.#tables.map(({ name }) => {
      const { count = 0, rows = new Map<string, Row>() } = this.#latest?.get(name) ?? {}
      const changed = new Map(changes.filter(({ table }) => table === name).map((one) => [one.id, one]))
      const deleted = [...changed.values()].filter(({ id }) => !rows.has(id))
      const shown = [...rows, ...deleted.map(({ id, row }) => [id, row] as const)]
      const columns = Object.keys(shown[0]?.[1] ?? {}).filter((column) => column !== VERSION)
      return {
        name,
        columns,
        count,
        rows: shown.map(([id, row]) => toView(row, columns, changed.get(id))),
      }
    })
  }

  async close(): Promise<void> {
    await this.#next?.catch(() => {})
    await this.#knex.destroy()
  }

  #listWrittenTables(steps: readonly Step[]): string[] {
    const statements = steps.map(({ sql = '' }) => sql).filter((sql) => WRITE.test(sql))
    return this.#tables
      .map(({ name }) => name)
      .filter((name) => statements.some((sql) => new RegExp(`\\b${name}\\b`, 'i').test(sql)))
  }

  /** Compares the tables now or, if a comparison is in progress or just over, a moment later. */
  #compare(): Promise<void> {
    this.#next ??= this.#idle.then(() => {
      this.#next = undefined
      const comparing = this.#compareNow()
      this.#idle = comparing.catch(() => {}).then(() => sleep(PAUSE_MS, undefined, { ref: false }))
      return comparing
    })
    return this.#next
  }

  async #compareNow(): Promise<void> {
    const early = [...this.#committed.keys()]
    const now = await this.#readAll()
    // Those that committed during the read may be seen by it or not, so they are also compared the next time.
    const committed = new Map(this.#committed)
    for (const id of early) this.#committed.delete(id)
    const before = this.#latest
    this.#latest = now
    if (before === undefined) return
    for (const { name } of this.#tables) {
      const changes = compareRows(name, before.get(name) as TableRows, now.get(name) as TableRows)
      if (changes.length > 0) this.#assign(changes, name, committed)
    }
  }

  #assign(changes: ChangedRow[], table: string, committed: ReadonlyMap<number, ReadonlySet<string>>): void {
    const all = [...committed.keys()]
    const named = all.filter((id) => committed.get(id)?.has(table))
    // A row may also be deleted because another table's row was.
    const requests = named.length > 0 ? named : all
    for (const id of requests) {
      const assigned = changes.map((change) => ({ ...change, others: requests.length - 1 }))
      this.#changes.set(id, [...(this.#changes.get(id) ?? []), ...assigned])
    }
  }

  /** Reads all tables at one moment. */
  #readAll(): Promise<Map<string, TableRows>> {
    return this.#knex.transaction(
      async (trx) => {
        const tables = new Map<string, TableRows>()
        for (const { name, key } of this.#tables) {
          const newest = trx(name)
            .select(trx.raw('xmin::text as ??, ??.*', [VERSION, name]))
            .orderByRaw('age(xmin)')
            .limit(MAX_ROWS)
          const rows: Row[] = await trx
            .select()
            .from(newest.as('newest'))
            .orderBy([...key])
          const count =
            rows.length < MAX_ROWS
              ? rows.length
              : Number((await trx(name).count({ count: '*' }).first())?.count)
          const byId = rows.map((row) => [JSON.stringify(key.map((column) => row[column])), row] as const)
          tables.set(name, { count, rows: new Map(byId) })
        }
        return tables
      },
      { isolationLevel: 'repeatable read', readOnly: true },
    )
  }
}

/** Names the connection in Postgres's log, which distinguishes its statements from those of the service. */
function nameConnection(connection: Client, done: (error: Error | null) => void): void {
  connection.query("SET application_name = 'xray'", done)
}

interface Client {
  query(sql: string, done: (error: Error | null) => void): void
}

const WRITE = /^\s*(insert|update|delete|merge|with)\b/i

function isInSession({ session }: Step) {
  return (step: Step) => step.session === session
}

/** In a table with more rows than are read, a row that was updated may be reported as inserted. */
function compareRows(table: string, before: TableRows, now: TableRows): ChangedRow[] {
  const changes: ChangedRow[] = []
  const others = 0
  for (const [id, row] of now.rows) {
    const old = before.rows.get(id)
    if (old?.[VERSION] === row[VERSION]) continue
    const kind = old === undefined ? 'inserted' : 'updated'
    const columns = old
      ? Object.keys(row).filter((name) => name !== VERSION && !isSame(old[name], row[name]))
      : []
    changes.push({ table, id, row, kind, columns, others })
  }
  const isWhole = now.rows.size < MAX_ROWS
  for (const [id, row] of before.rows)
    if (isWhole && !now.rows.has(id)) changes.push({ table, id, row, kind: 'deleted', columns: [], others })
  return changes
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

function toView(row: Row, columns: readonly string[], changed?: ChangedRow): RowView {
  const cells = columns.map((column) => toCell(column, row[column]))
  if (changed === undefined) return { cells }
  const { kind, columns: changedColumns, others } = changed
  return { cells, change: { kind, columns: changedColumns, others } }
}
