import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import colours from 'picocolors'

/** Reads the line at `app.ts:12:5`, with one line before and one after it, and a mark below the column. */
export function readSnippet(folder: string, place: string, columns: number): string[] {
  const [, path = '', row = 0, column] = /^(.+?):(\d+)(?::(\d+))?$/.exec(place) ?? []
  const lines = read(resolve(folder, path))
  const line = Number(row)
  const width = `${line + 1}`.length
  return lines.slice(Math.max(0, line - 2), line + 1).flatMap((text, index) => {
    const number = Math.max(1, line - 1) + index
    const shown = `${`${number}`.padStart(width)} | ${text.replaceAll('\t', ' ')}`.slice(0, columns - 2)
    if (number !== line) return [colours.dim(`  ${shown}`)]
    const mark = column && `${' '.repeat(width + 4 + Number(column))}${colours.red('^')}`
    return [`${colours.red('>')} ${shown}`, ...(mark ? [mark] : [])]
  })
}

function read(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch {
    return []
  }
}
