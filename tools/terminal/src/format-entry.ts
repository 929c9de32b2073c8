import { stripVTControlCharacters } from 'node:util'
import type { createColors } from 'picocolors'
import wrap from 'wrap-ansi'
import { escapeControls } from './escape.ts'

/** How to print on a terminal, or in a file. */
export interface Style {
  readonly colors: ReturnType<typeof createColors>
  /** The width of the terminal, or Infinity. */
  readonly columns: number
}

/** A line of pino's log, as far as it is read here. */
export interface Entry {
  readonly level: number
  readonly time: number
  readonly msg?: string
  readonly reqId?: string
  readonly user?: number
  /** The code of the problem that was sent, or of an error. */
  readonly code?: string
  readonly req?: LoggedRequest
  readonly res?: { readonly statusCode: number }
  readonly responseTime?: number
  readonly err?: LoggedError
  /** How long a statement took. Its SQL is the message. */
  readonly ms?: number
  /** The SQLSTATE, if the statement failed. */
  readonly failed?: string
}

export interface LoggedRequest {
  readonly method: string
  readonly url: string
}

interface LoggedError {
  readonly type?: string
  readonly code?: string
  readonly message?: string
  readonly stack?: string
  readonly cause?: LoggedError
}

const WARN = 40
const ERROR = 50
const SQL_INDENT = 13
/** How many rows of a terminal a statement takes at most. X-ray shows it completely. */
const MAX_ROWS = 3

/** Formats a request that has ended: method, path, status, problem code, duration, and its statements below. */
export function formatRequest(
  entry: Entry,
  status: number,
  { method, url }: LoggedRequest,
  statements: readonly Entry[],
  style: Style,
): string[] {
  const { bold } = style.colors
  const outcome = [status, ...(entry.code === undefined ? [] : [entry.code])].join(' ')
  const ms = `${Math.round(entry.responseTime ?? 0)} ms`
  const target = [bold(escapeControls(method)), escapeControls(url)]
  return [
    addOrigin([...target, paintStatus(status, escapeControls(outcome), style), ms].join(' '), entry, style),
    ...statements.map((statement) => formatStatement(statement, style)),
    ...(entry.err ? formatError(entry.err, style) : []),
  ]
}

function paintStatus(status: number, text: string, { colors: { green, cyan, yellow, red } }: Style): string {
  const paint = status >= 500 ? red : status >= 400 ? yellow : status >= 300 ? cyan : green
  return paint(text)
}

function formatStatement({ msg = '', ms = 0, failed }: Entry, style: Style): string {
  const { dim, green, yellow, red } = style.colors
  const sql = escapeControls(msg.replace(/\s+/g, ' ').replace(/^ |;? ?$/g, ''))
  const paint = sql.startsWith('COMMIT') ? green : sql.startsWith('ROLLBACK') ? yellow : String
  const failure = failed === undefined ? '' : ` failed: ${escapeControls(failed)}`
  const duration = dim(`${ms.toFixed(1)} ms`.padStart(SQL_INDENT - 2))
  return `${duration}  ${paint(shorten(sql, failure.length, style))}${red(failure)}`
}

/** On a terminal, long statements and the timeouts of each BEGIN would push out what matters. */
function shorten(sql: string, reserved: number, style: Style): string {
  if (style.columns === Number.POSITIVE_INFINITY) return sql
  const rows = indent(sql.replace(/(; SET LOCAL [^;]*)+$/, '; SET LOCAL …'), SQL_INDENT, style).split('\n')
  if (rows.length <= MAX_ROWS) return rows.join('\n')
  const last = rows[MAX_ROWS - 1]?.slice(0, style.columns - 2 - reserved)
  return [...rows.slice(0, MAX_ROWS - 1), `${last} …`].join('\n')
}

/** Formats any other line: its message, and the members that it has in addition. */
export function formatMessage(entry: Entry, style: Style): string[] {
  const { yellow, red, dim } = style.colors
  const { level, time, msg = '', reqId, user, code, req, err, ...others } = entry
  const { pid, hostname, ...members } = others as Record<string, unknown>
  const text = [
    ...(level >= ERROR ? [red('ERROR')] : level >= WARN ? [yellow('WARN')] : []),
    escapeControls(msg),
    ...(req ? [escapeControls(`${req.method} ${req.url}`)] : []),
    ...(code === undefined ? [] : [escapeControls(code)]),
    ...(Object.keys(members).length > 0 ? [dim(escapeControls(JSON.stringify(members)))] : []),
  ].join(' ')
  return [addOrigin(indent(text, 2, style), entry, style), ...(err ? formatError(err, style) : [])]
}

function formatError({ type, code, message, stack, cause }: LoggedError, style: Style): string[] {
  const [title = '', ...frames] = escapeControls(stack ?? `${type}: ${message}`).split(/\n +(?=at )/)
  const withCode = code === undefined ? title : `${title} (${escapeControls(code)})`
  return [
    `  ${indent(withCode, 2, style)}`,
    ...frames.map((frame) => style.colors.dim(`    ${indent(frame, 4, style)}`)),
    ...(cause ? ['  caused by', ...formatError(cause, style)] : []),
  ]
}

/** Adds the request's id, its user and the time, as far as there is room. */
function addOrigin(text: string, { time, reqId, user }: Entry, { colors, columns }: Style): string {
  const id = reqId === undefined ? [] : [escapeControls(reqId.replace(/^req-/, '').slice(0, 6))]
  const all = [
    ...id,
    ...(user === undefined ? [] : [`user ${user}`]),
    new Date(time).toTimeString().slice(0, 8),
  ]
  const room = columns - stripVTControlCharacters(text).length - 2
  const fitting = [all, id].find((parts) => parts.length > 0 && parts.join(' ').length <= room)
  return fitting ? `${text}  ${colors.dim(fitting.join(' '))}` : text
}

/**
 * Wraps a text between its words, because a URL must stay whole. Every line except the first is indented, so no text can
 * look like a new log line.
 */
function indent(text: string, width: number, { columns }: Style): string {
  const lines = columns === Number.POSITIVE_INFINITY ? text : wrap(text, Math.max(columns - width, 20))
  return lines.replaceAll('\n', `\n${' '.repeat(width)}`)
}
