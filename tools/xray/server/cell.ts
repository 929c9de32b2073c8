import type { Cell } from './table-view.ts'

const MAX_LENGTH = 60

/** The name of a column that has, or may have, something secret. */
const SECRET_COLUMN = /password|passwd|secret|token|hash|digest|salt|api_?key/i
/** The beginning of a hash: its parameters, such as `$2b$12$`, and of the salt only so much that two hashes look different. */
const HASH = /^\$[\w-]+\$(\d\d\$)?.{0,6}/
/** A long text without a space, as tokens and keys are. */
const OPAQUE = /^[\w.+/=~-]{32,}$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Returns a value as text: shortened if it is long, and of something that may be secret not more than its kind. */
export function toCell(column: string, value: unknown): Cell {
  if (value === null || value === undefined) return null
  const text = toText(value)
  const [prefix] = HASH.exec(text) ?? []
  if (prefix !== undefined) return `${prefix}…`
  if (SECRET_COLUMN.test(column) && typeof value !== 'boolean' && !(value instanceof Date)) return '…'
  if (OPAQUE.test(text) && !UUID.test(text)) return `${text.slice(0, 6)}…`
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}…` : text
}

function toText(value: unknown): string {
  if (value instanceof Date) return value.toISOString().slice(0, 19).replace('T', ' ')
  if (Buffer.isBuffer(value)) return `${value.length} bytes`
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
