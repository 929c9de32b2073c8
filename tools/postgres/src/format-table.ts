import type { FieldDef } from 'pg'

/** A result as Postgres sends it: each value is its text, or `null`. */
export interface TextResult {
  readonly fields: readonly Pick<FieldDef, 'name' | 'dataTypeID'>[]
  readonly rows: readonly (readonly (string | null)[])[]
}

/** Formats a result as psql does: aligned columns, numbers at the right, `null` empty. */
export function formatTable({ fields, rows }: TextResult): string {
  const cells = rows.map((row) => row.map((value) => (value === null ? '' : escapeControls(value))))
  const widths = fields.map(({ name }, column) =>
    Math.max(name.length, ...cells.map((row) => countCharacters(row[column] ?? ''))),
  )
  const formatRow = (row: readonly string[]) =>
    row
      .map((cell, column) => {
        const padding = ' '.repeat((widths[column] ?? 0) - countCharacters(cell))
        return NUMBERS.has(fields[column]?.dataTypeID ?? 0) ? ` ${padding}${cell} ` : ` ${cell}${padding} `
      })
      .join('|')
      .trimEnd()
  return [
    formatRow(fields.map(({ name }) => name)),
    widths.map((width) => '-'.repeat(width + 2)).join('+'),
    ...cells.map(formatRow),
    '',
  ].join('\n')
}

/** The types int8, int2, int4, oid, float4, float8 and numeric. */
const NUMBERS = new Set([20, 21, 23, 26, 700, 701, 1700])

const countCharacters = (text: string) => [...text].length

/** Text in the database must not move the cursor of the terminal. */
const escapeControls = (text: string) =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to replace
  text.replaceAll(/\r?\n/g, '↵').replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '�')
