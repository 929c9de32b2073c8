import pg from 'pg'
import { EmbeddedPostgresError, readCode } from './errors.ts'
import { formatTable, type TextResult } from './format-table.ts'

/** How many rows `show` prints unless a number is given. */
const DEFAULT_ROWS = 20

/** How many characters of a value `show` prints. */
const MAX_CELL = 48

/** Runs the statements of one string, and returns what psql would print. */
export function runStatements(url: string, sql: string): Promise<string> {
  return withClient(url, async (client) => {
    const results = await queryText(client, sql)
    return results.map(formatResult).join('\n')
  })
}

function formatResult({ fields, rows, command, rowCount }: CommandResult): string {
  if (fields.length > 0) return `${formatTable({ fields, rows })}(${countRows(rows.length)})\n`
  const counts = ['INSERT', 'UPDATE', 'DELETE', 'MERGE'].includes(command)
  return `${command ?? 'No statement'}${counts ? ` ${countRows(rowCount ?? 0)}` : ''}\n`
}

/** Returns the tables with their row counts. */
export function listTables(url: string): Promise<string> {
  return withClient(url, async (client) => {
    const tables = await readTables(client)
    if (tables.length === 0) return `There are no tables yet. \`npm run db:migrate\` creates them.\n`
    const counts = tables.map(
      ({ name, identifier }) => `select ${pg.escapeLiteral(name)}, count(*) from ${identifier}`,
    )
    const [result] = await queryText(client, `${counts.join('\nunion all\n')}\norder by 1`)
    if (!result) throw new Error('Postgres returned no result')
    const [table, rows] = result.fields
    const fields = [
      { ...table, name: 'table' },
      { ...rows, name: 'rows' },
    ] as TextResult['fields']
    return `${formatTable({ fields, rows: result.rows })}\n\`npm run db:show <table>\` shows the rows of a table.\n`
  })
}

/** Returns the first rows of a table, with password hashes and other long values cut. */
export function showTable(url: string, table: string, limit = DEFAULT_ROWS): Promise<string> {
  return withClient(url, async (client) => {
    const tables = await readTables(client)
    const identifier = tables.find(({ name }) => name === table)?.identifier
    if (identifier === undefined) {
      const names = tables.map(({ name }) => name).join(', ')
      throw new EmbeddedPostgresError(
        `There is no table ${table}. ${names ? `The tables are: ${names}.` : 'There are no tables yet.'}`,
      )
    }
    // The order of the primary key, which is the first column of these tables.
    const sql = `select * from ${identifier} order by 1 limit ${limit}; select count(*) from ${identifier}`
    const [result, count] = await queryText(client, sql)
    if (!result || !count) throw new Error('Postgres returned no result')
    const { fields, rows } = result
    const shown = rows.map((row) => row.map((value, column) => shorten(value, fields[column]?.name ?? '')))
    const total = Number(count.rows[0]?.[0])
    const note = total > rows.length ? `${rows.length} of ${countRows(total)}` : countRows(total)
    return `${formatTable({ fields, rows: shown })}(${note})\n`
  })
}

const countRows = (count: number) => `${count} ${count === 1 ? 'row' : 'rows'}`

interface Table {
  /** The name, with its schema if the name by itself is not found. */
  readonly name: string
  /** The quoted name, for SQL. */
  readonly identifier: string
}

async function readTables(client: pg.Client): Promise<Table[]> {
  const { rows } = await client.query<Table>(
    `select case when pg_table_is_visible(class.oid) then relname else nspname || '.' || relname end as name,
       format('%I.%I', nspname, relname) as identifier
     from pg_class class join pg_namespace namespace on namespace.oid = relnamespace
     where relkind in ('r', 'p') and nspname <> 'information_schema' and nspname !~ '^pg_'
     order by name`,
  )
  return rows
}

/** Cuts hashes, tokens and other secrets, so none is shown whole, and long text. */
function shorten(value: string | null, column: string): string | null {
  if (value === null) return null
  const isSecret =
    /password|hash|secret|token/i.test(column) && value.length > 20 && !/^\d{4}-\d\d-\d\d /.test(value)
  const isOpaque = /^[\w+/=$.,:\\-]{32,}$/.test(value)
  const limit = isSecret || isOpaque ? 16 : MAX_CELL
  return value.length > limit ? `${value.slice(0, limit - 1)}…` : value
}

interface CommandResult extends TextResult {
  readonly command: string
  readonly rowCount: number | null
}

/** Runs statements, and returns each value as the text that Postgres sends. */
async function queryText(client: pg.Client, text: string): Promise<CommandResult[]> {
  const types = { getTypeParser: () => String }
  const results = (await client.query({ text, rowMode: 'array', types })) as unknown
  return Array.isArray(results) ? results : [results as CommandResult]
}

async function withClient<Result>(
  url: string,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = createClient(url)
  // Without a listener, a lost connection would end this process with a stack.
  client.on('error', () => {})
  try {
    await client.connect().catch((error) => {
      throw new EmbeddedPostgresError(`Cannot connect to the database: ${describe(error)}`)
    })
    return await work(client).catch((error) => {
      throw error instanceof EmbeddedPostgresError
        ? error
        : new EmbeddedPostgresError(`Error: ${describe(error)}`)
    })
  } finally {
    await client.end().catch(() => {})
  }
}

function createClient(connectionString: string): pg.Client {
  try {
    return new pg.Client({ connectionString, connectionTimeoutMillis: 10_000 })
  } catch {
    throw new EmbeddedPostgresError('DATABASE_URL is not the URL of a Postgres database.')
  }
}

/** Describes an error in one line. Node's error for a name with several addresses has only a code. */
function describe(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.split('\n')[0] || readCode(error) || 'unknown error'
}
