import { readdir, readFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'

export const CHECKOUT = resolve(import.meta.dirname, '../..')
const DOCS = resolve(CHECKOUT, 'docs')

export interface Page {
  readonly path: string
  /** The path from the checkout, for messages. */
  readonly name: string
  readonly text: string
}

/** A fenced block of code. */
export interface Block {
  readonly language: string
  /** The words after the language, such as `file=solution/app.ts#routes` or `output`. */
  readonly info: string
  readonly code: string
}

/** Reads every page of `docs/`, sorted by path. */
export async function readPages(): Promise<Page[]> {
  const entries = await readdir(DOCS, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => resolve(entry.parentPath, entry.name))
    .sort()
  return Promise.all(paths.map(readPage))
}

export async function readPage(path: string): Promise<Page> {
  return { path, name: relative(CHECKOUT, path), text: await readFile(path, 'utf8') }
}

const FENCE = /^( *)```([^\n`]*)\n(.*?)^\1```$/gms

export function readBlocks(text: string): Block[] {
  return [...text.matchAll(FENCE)].map(([, indent = '', head = '', code = '']) => {
    const [language = '', ...info] = head.trim().split(' ')
    return { language, info: info.join(' '), code: code.replaceAll(new RegExp(`^${indent}`, 'gm'), '') }
  })
}

/** Returns the page's text with the current code of the files that its blocks show. */
export async function refreshBlocks(page: Page): Promise<string> {
  let text = ''
  let end = 0
  for (const found of page.text.matchAll(FENCE)) {
    const [whole, indent = '', head = '', before = ''] = found
    const source = /\bfile=(\S+)/.exec(head)?.[1]
    if (source === undefined) continue
    const code = (await readRegion(page, source)).replaceAll(/^(?=.)/gm, indent)
    const newHead = moveMarks(head, before, code)
    text += `${page.text.slice(end, found.index)}${indent}\`\`\`${newHead}\n${code}${indent}\`\`\``
    end = found.index + whole.length
  }
  return text + page.text.slice(end)
}

const MARKS = /\{([\d,-]+)\}/

/** Returns the numbers of the lines that the guide highlights: 3, 4 and 7 for `{3-4,7}`. */
export function readMarks(info: string): number[] {
  const ranges = MARKS.exec(info)?.[1]?.split(',') ?? []
  return ranges.flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, index) => first + index)
  })
}

/** Returns a block's first line, with its marks moved to the new places of the marked lines. */
function moveMarks(head: string, before: string, after: string): string {
  const marks = readMarks(head)
  if (marks.length === 0 || before === after) return head
  const [oldLines, newLines] = [before, after].map((code) => code.split('\n')) as [string[], string[]]
  const moved = marks.map((mark) => {
    const line = oldLines[mark - 1] ?? ''
    // If a line occurs several times, the mark stays at the same one.
    const turn = oldLines.slice(0, mark - 1).filter((other) => other === line).length
    const places = [...newLines.keys()].filter((index) => newLines[index] === line)
    const place = places[turn]
    if (place === undefined) throw new Error(`\`\`\`${head}: the line ${mark} has changed. Mark another one.`)
    return place + 1
  })
  return head.replace(MARKS, `{${moved.join(',')}}`)
}

/** Reads the lines that `path#region` names, or the whole file without `#region`. The path is relative to the page. */
export async function readRegion(page: Page, source: string): Promise<string> {
  const [path = '', region] = source.split('#')
  const text = await readFile(resolve(page.path, '..', path), 'utf8')
  const lines = text.trimEnd().split('\n')
  if (region === undefined) return formatCode(lines)
  const isStart = (line: string) => new RegExp(`#region ${region}$`).test(line)
  const start = lines.findIndex(isStart)
  if (start < 0) throw new Error(`${page.name}: ${path} has no region ${region}`)
  let depth = 1
  const length = lines.slice(start + 1).findIndex((line) => {
    if (/#region /.test(line)) depth += 1
    if (/#endregion/.test(line)) depth -= 1
    return depth === 0
  })
  return formatCode(lines.slice(start + 1, start + 1 + length))
}

/** Removes the marks of regions, and the indentation that all lines share. */
function formatCode(marked: readonly string[]): string {
  const lines = marked.filter((line) => !/#(end)?region\b/.test(line))
  const margins = lines.filter((line) => line.trim()).map((line) => line.search(/\S/))
  const margin = Math.min(...margins)
  return `${lines.map((line) => line.slice(margin)).join('\n')}\n`
}
