import type { Trace } from '../server/trace.ts'

/** A statement outside of a transaction, or all statements of a transaction from BEGIN to its end. */
export type Unit = readonly string[]

/** A statement in Postgres's log. */
interface Logged {
  readonly pid: string
  readonly application: string
  readonly sql: string
}

/** The `log_line_prefix` that `readLog` understands: the process and the name of the application. */
export const LOG_LINE_PREFIX = '%p,%a: '

/** Reads the statements from Postgres's log, with `log_statement = 'all'` and `LOG_LINE_PREFIX`. */
function readStatements(log: string): Logged[] {
  // The other lines of a statement begin with a tab.
  return log.split(/\n(?!\t)/).flatMap((entry) => {
    const [, pid = '', application = '', text] =
      /^(\d+),([^:]*): LOG: {2}(?:statement|execute [^:]+): (.*)$/s.exec(entry) ?? []
    return text === undefined ? [] : [{ pid, application, sql: text.replaceAll('\n\t', '\n') }]
  })
}

/**
 * Reads the units of an application from Postgres's log. X-ray names its own connection after it has connected, so
 * connections are left out that have another name later.
 */
export function readLoggedUnits(log: string, application: string): Unit[] {
  const byConnection = groupBy(readStatements(log), ({ pid }) => pid)
  return [...byConnection.values()]
    .filter((statements) => statements.every((one) => one.application === application))
    .flatMap((statements) => toUnits(statements.map(({ sql }) => sql)))
}

/** Returns the units of X-ray's traces. */
export function listTracedUnits(traces: Iterable<Trace>): Unit[] {
  return [...traces].flatMap(({ steps }) => {
    const sent = steps.filter(({ sql }) => sql !== undefined)
    const sessions = groupBy(sent, ({ session }) => session)
    return [...sessions].flatMap(([session, own]) => {
      // BEGIN and its settings are one step.
      const statements = own.flatMap(({ kind, sql = '' }) => (kind === 'begin' ? sql.split('; ') : [sql]))
      return session === undefined ? statements.map((sql) => [sql]) : toUnits(statements)
    })
  })
}

// Node 20 has no Map.groupBy.
function groupBy<T, K>(all: readonly T[], toKey: (one: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const one of all) groups.set(toKey(one), [...(groups.get(toKey(one)) ?? []), one])
  return groups
}

/** Divides the statements of a connection, in order, into units. */
function toUnits(statements: readonly string[]): Unit[] {
  const units: string[][] = []
  let isOpen = false
  for (const sql of statements) {
    if (isOpen) units.at(-1)?.push(sql)
    else units.push([sql])
    if (/^BEGIN\b/i.test(sql)) isOpen = true
    else if (/^(COMMIT|ROLLBACK(?! TO))\b/i.test(sql)) isOpen = false
  }
  return units
}

/** Returns the units that only one of two lists has, each as often as it has it more often than the other. */
export function compareUnits(one: readonly Unit[], other: readonly Unit[]) {
  return { onlyLogged: subtract(one, other), onlyTraced: subtract(other, one) }
}

function subtract(from: readonly Unit[], units: readonly Unit[]): Unit[] {
  const counts = new Map<string, number>()
  for (const unit of units) counts.set(toKey(unit), (counts.get(toKey(unit)) ?? 0) + 1)
  return from.filter((unit) => {
    const left = counts.get(toKey(unit)) ?? 0
    counts.set(toKey(unit), left - 1)
    return left <= 0
  })
}

const toKey = (unit: Unit) => JSON.stringify(unit)
