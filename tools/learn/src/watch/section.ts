import wrapAnsi from 'wrap-ansi'

/** A part of what is shown, with an empty line after it. */
export interface Section {
  readonly key: string
  readonly lines: readonly string[]
  /** Whether it changes by itself, and so is no news. */
  readonly isLive?: boolean
}

/** A text in lines of that width; those after the first are as far in as `indent` says. */
export function wrap(text: string, columns: number, indent = 0): string[] {
  const margin = ' '.repeat(indent)
  const wrapped = wrapAnsi(text, Math.max(8, columns - indent), { hard: true, trim: false })
  return wrapped.split('\n').map((line, index) => (index === 0 ? line : margin + line.trimStart()).trimEnd())
}

/** Code, whose own indentation stays. */
export function wrapCode(lines: readonly string[], columns: number): string[] {
  return lines.flatMap((line) =>
    wrapAnsi(line, Math.max(8, columns), { hard: true, trim: false }).split('\n'),
  )
}
