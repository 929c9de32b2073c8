import picocolors from 'picocolors'
import { escapeControls } from './escape.ts'
import { type Entry, formatMessage, formatRequest, type LoggedRequest, type Style } from './format-entry.ts'

/** The stream to print to, such as `process.stdout`. */
export interface Output {
  write(text: string): unknown
  readonly columns?: number
  hasColors?(): boolean
}

export interface ReadableLogOptions {
  /** True: before `greet`, messages replace each other on one line, which is then removed. @default false */
  readonly showsProgress?: boolean
}

interface Pending {
  readonly req: LoggedRequest
  readonly statements: Entry[]
}

const INFO = 30
/** Empties the line that the cursor is on. */
export const REMOVE_LINE = '\r\u001b[K'

/** The product's own pages and their files: nobody wants to read about those that succeed. */
const OWN_PAGES = /^\/(docs|guide|xray|header)\b/
/** A request whose end is never logged must not be kept for ever. */
const MAX_PENDING = 1_000

/**
 * Prints pino's JSON lines for people, as the destination of a logger: one line per request when it has ended, with its SQL
 * below. It prints all other messages immediately.
 *
 * The lines fit the terminal. Outside of a terminal they are not wrapped, and have no colors.
 */
export class ReadableLog {
  readonly #output: Output
  readonly #colors: Style['colors']
  readonly #pending = new Map<string, Pending>()
  #showsProgress: boolean

  constructor(output: Output, { showsProgress = false }: ReadableLogOptions = {}) {
    this.#output = output
    this.#colors = picocolors.createColors(output.hasColors?.() ?? false)
    this.#showsProgress = showsProgress
  }

  /** Receives a line of JSON, in which secrets are redacted. */
  write(line: string): void {
    const entry: Entry = JSON.parse(line)
    const { level, reqId = '', req, res, responseTime, ms, msg = '' } = entry
    const pending = this.#pending.get(reqId)
    if (msg === 'incoming request' && req) this.#remember(reqId, req)
    else if (ms !== undefined && pending) pending.statements.push(entry)
    else if (res && responseTime !== undefined) this.#printRequest(entry, res.statusCode, pending)
    else if (this.#showsProgress && level <= INFO) this.#printProgress(msg)
    else this.#print(formatMessage(entry, this.#style()))
  }

  /** Removes the progress, and prints a text in its place. */
  greet(text = ''): void {
    this.#write(text)
    this.#showsProgress = false
  }

  #remember(reqId: string, req: LoggedRequest): void {
    const [oldest] = this.#pending.keys()
    if (oldest !== undefined && this.#pending.size >= MAX_PENDING) this.#pending.delete(oldest)
    this.#pending.set(reqId, { req, statements: [] })
  }

  #printRequest(entry: Entry, status: number, pending: Pending | undefined): void {
    this.#pending.delete(entry.reqId ?? '')
    const { req = { method: '', url: '' }, statements = [] } = pending ?? {}
    if (status < 400 && req.method === 'GET' && OWN_PAGES.test(req.url)) return
    this.#print(formatRequest(entry, status, req, statements, this.#style()))
  }

  #print(lines: readonly string[]): void {
    this.#write(`${lines.join('\n')}\n`)
  }

  /** A line that the terminal wraps could not be removed. */
  #printProgress(msg: string): void {
    this.#write(
      escapeControls(msg)
        .replaceAll('\n', ' ')
        .slice(0, this.#style().columns - 1),
    )
  }

  #write(text: string): void {
    this.#output.write(this.#showsProgress ? `${REMOVE_LINE}${text}` : text)
  }

  /** Read for each line, because people resize terminals. */
  #style(): Style {
    return { colors: this.#colors, columns: this.#output.columns ?? Number.POSITIVE_INFINITY }
  }
}
