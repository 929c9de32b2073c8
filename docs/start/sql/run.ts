// Runs the statements of an SQL file in a new database, and prints each result as psql does:
// npx tsx docs/start/sql/run.ts tables.sql select.sql. All files but the last run without printing.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import pg, { type QueryArrayResult } from 'pg'
import { createTestDatabase } from '../../../tools/postgres/src/testing.ts'

const files = process.argv.slice(2)
const { url, drop } = await createTestDatabase()
const client = new pg.Client({ connectionString: url })
await client.connect()
try {
  for (const file of files) {
    const text = await readFile(resolve(import.meta.dirname, file), 'utf8')
    for (const statement of text.replaceAll(/^--.*$/gm, '').split(/;\s*$/m)) {
      if (statement.trim() === '') continue
      const result = await run(statement)
      if (file === files.at(-1)) console.log(result)
    }
  }
} finally {
  await client.end()
  await drop()
}

async function run(statement: string): Promise<string> {
  try {
    return print(await client.query({ text: statement, rowMode: 'array' }))
  } catch (error) {
    return `ERROR:  ${error instanceof Error ? error.message : error}\n`
  }
}

/** Returns a table for rows, and otherwise the command with its number of rows. */
function print({ command, rowCount, fields, rows }: QueryArrayResult<unknown[]>): string {
  if (fields.length === 0) return `${[command, rowCount].filter((part) => part !== null).join(' ')}\n`
  const texts = rows.map((row) => row.map((value) => (value === null ? '' : String(value))))
  const names = fields.map(({ name }) => name)
  const widths = names.map((name, i) => Math.max(name.length, ...texts.map((row) => row[i]?.length ?? 0)))
  const lines = [names, ...texts].map((row) =>
    row.map((text, i) => ` ${text.padEnd(widths[i] ?? 0)} `).join('|'),
  )
  const rule = widths.map((width) => '-'.repeat(width + 2)).join('+')
  return `${lines.toSpliced(1, 0, rule).join('\n')}\n(${rows.length} ${rows.length === 1 ? 'row' : 'rows'})\n`
}
