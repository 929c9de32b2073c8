import type { WriteStream } from 'node:tty'
import { WIDE } from './plain.ts'
import type { Section } from './section.ts'

export interface Display {
  readonly columns: number
  /** Shows that in the place of what was shown. */
  show(sections: readonly Section[], foot: readonly string[]): void
  /** Up or down by so many lines. */
  scroll(lines: number): void
  /** Gives the terminal back. */
  end(): void
}

const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'

/** A screen of its own, which the terminal forgets at the end. What is too long for it ends at its end, and can be scrolled. */
export function fullScreen(out: WriteStream): Display {
  let body: string[] = []
  let foot: readonly string[] = []
  /** How far from its end the body is shown. */
  let away = 0
  out.write(ENTER)
  const leave = () => void out.write(LEAVE)
  process.on('exit', leave)

  function draw(): void {
    const height = Math.max(1, out.rows - foot.length - 1)
    away = Math.max(0, Math.min(away, body.length - height))
    const end = Math.max(height, body.length - away)
    const shown = body.slice(Math.max(0, end - height), end)
    const above = Math.max(0, end - height)
    if (above > 0) shown[0] = `↑ ${above + 1} more lines above`
    if (end < body.length) shown[shown.length - 1] = `↓ ${body.length - end + 1} more lines below`
    const blank = Array<string>(height - shown.length + 1).fill('')
    const lines = [...shown, ...blank, ...foot].slice(0, out.rows)
    out.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`)
  }

  return {
    get columns() {
      return Math.min(WIDE, out.columns)
    },
    show(sections, newFoot) {
      const lines = sections.flatMap((section) => [...section.lines, '']).slice(0, -1)
      if (lines.join() !== body.join()) away = 0
      body = lines
      foot = newFoot
      draw()
    },
    scroll(lines) {
      away -= lines
      draw()
    },
    end() {
      process.off('exit', leave)
      leave()
    },
  }
}
