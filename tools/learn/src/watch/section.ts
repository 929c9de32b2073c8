import wrapAnsi from 'wrap-ansi'

/** A part of the screen, followed by an empty line. */
export interface Section {
  readonly key: string
  readonly lines: readonly string[]
  /** True if it changes over time, so the plain display does not print it. */
  readonly isLive?: boolean
}

/** Breaks a text into lines of this width. The lines after the first are indented. */
export function wrap(text: string, columns: number, indent = 0): string[] {
  const margin = ' '.repeat(indent)
  const wrapped = wrapAnsi(text, Math.max(8, columns - indent), { hard: true, trim: false })
  return wrapped.split('\n').map((line, index) => (index === 0 ? line : margin + line.trimStart()).trimEnd())
}

/** Breaks lines of code, and keeps their indentation. */
export function wrapCode(lines: readonly string[], columns: number): string[] {
  return lines.flatMap((line) =>
    wrapAnsi(line, Math.max(8, columns), { hard: true, trim: false }).split('\n'),
  )
}
