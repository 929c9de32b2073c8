import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus, release } from 'node:os'

interface Side {
  readonly perSecond: number
  /** In microseconds per request. */
  readonly cpu?: number
  /** In milliseconds. */
  readonly p99?: number
}

export interface Row {
  readonly what: string
  readonly processes?: number
  readonly service?: Side
  readonly bare?: Side
  /** Requests per second of the service divided by those of the baseline, or a latency divided by that without load. */
  readonly ratio?: number
  /** CPU time of the baseline divided by that of the service. */
  readonly cpuRatio?: number
  /** A figure that exists for only one side. */
  readonly value?: string
}

const HEAD = ['', 'processes', 'service', 'p99', 'bare', 'p99', 'ratio', 'CPU, service', 'CPU, bare', 'ratio']

/** Returns a Markdown table: a header, and a line for each row. */
export function formatTable(rows: readonly Row[]): string[] {
  return [
    formatLine(HEAD),
    formatLine(HEAD.map(() => '---')),
    ...rows.map((row) => formatLine(formatCells(row))),
  ]
}

function formatCells({ what, processes, service, bare, ratio, cpuRatio, value }: Row): string[] {
  const perSecond = (side?: Side) => (side ? `${formatNumber(side.perSecond)}/s` : '')
  const p99 = (side?: Side) => (side?.p99 === undefined ? '' : `${formatNumber(side.p99)} ms`)
  const cpu = (side?: Side) => (side?.cpu === undefined ? '' : `${formatNumber(side.cpu)} µs`)
  return [
    what,
    processes === undefined ? '' : String(processes),
    value ?? perSecond(service),
    p99(service),
    perSecond(bare),
    p99(bare),
    ratio === undefined ? '' : ratio.toFixed(2),
    cpu(service),
    cpu(bare),
    cpuRatio === undefined ? '' : cpuRatio.toFixed(2),
  ]
}

function formatLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function formatNumber(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(1)
}

const PAGE = new URL('../../../docs/explanation/performance.md', import.meta.url)
const [BEGIN, END] = ['<!-- figures -->', '<!-- end of figures -->']

/** Replaces the part between the page's two comments with the table and a description of the machine. */
export async function insertFigures(
  rows: readonly Row[],
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<void> {
  const page = await readFile(PAGE, 'utf8')
  const [before, after] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (before < 0 || after < before) throw new Error(`${PAGE.pathname} has no place for the figures`)
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model.trim()}), Linux ${release()}, Node ${process.version}, ${rounds} rounds of ${seconds} seconds:`
  const figures = [BEGIN, machine, '', ...formatTable(rows)].join('\n')
  await writeFile(PAGE, `${page.slice(0, before)}${figures}\n${page.slice(after)}`)
}
