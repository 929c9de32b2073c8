// Looks into the database of the server under test, read-only.
import { NotChecked } from './check.ts'

const CONNECT_TIMEOUT_MS = 5_000
const STATEMENT_TIMEOUT_MS = 5_000

/** Returns, for each text, all texts in the rows that contain it, whatever the tables and their columns are called. */
export async function findStoredTexts(databaseUrl: string, wanted: readonly string[]): Promise<string[][]> {
  // loaded only here, so the other checks start sooner
  const { default: pg } = await import('pg')
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    options: '-c default_transaction_read_only=on',
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const tables = await client.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
        where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')
          and has_table_privilege(format('%I.%I', table_schema, table_name), 'select')`,
    )
    const found = wanted.map((): string[] => [])
    for (const [index, text] of wanted.entries())
      for (const { name } of tables.rows) {
        const { rows } = await client.query<{ row: Record<string, unknown> }>(
          `select to_jsonb(t) as row from ${name} t where strpos(t::text, $1) > 0 limit 10`,
          [text],
        )
        for (const { row } of rows) found[index]?.push(...listTexts(row).map(decodeBytes))
      }
    return found
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    throw new NotChecked(`The database could not be read: ${code ?? message}.`)
  } finally {
    await client.end().catch(() => {})
  }
}

/** Returns the texts of a row, including those inside of JSON columns. */
function listTexts(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(listTexts) : []
}

/** A column of the type bytea is shown in hex. */
function decodeBytes(text: string): string {
  return /^\\x([0-9a-f]{2})+$/.test(text) ? Buffer.from(text.slice(2), 'hex').toString('latin1') : text
}
