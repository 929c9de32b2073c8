import type { WriteStream } from 'node:tty'
import { MAX_COLUMNS } from './plain.ts'
import type { Section } from './section.ts'

export interface Display {
  readonly columns: number
  /** Replaces what is shown. */
  show(sections: readonly Section[], foot: readonly string[]): void
  /** Scrolls down by this many lines, or up if it is negative. */
  scroll(lines: number): void
  /** Restores the terminal. */
  end(): void
}

const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'

/** Draws on the terminal's alternate screen. A text that is too long shows its end, and can be scrolled. */
export function createFullScreen(out: WriteStream): Display {
  let body: string[] = []
  let foot: readonly string[] = []
  /** How many lines of the body are hidden below the screen. */
  let hiddenBelow = 0
  out.write(ENTER)
  const leave = () => void out.write(LEAVE)
  process.on('exit', leave)

  function draw(): void {
    const height = Math.max(1, out.rows - foot.length - 1)
    hiddenBelow = Math.max(0, Math.min(hiddenBelow, body.length - height))
    const end = Math.max(height, body.length - hiddenBelow)
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
      return Math.min(MAX_COLUMNS, out.columns)
    },
    show(sections, newFoot) {
      const lines = sections.flatMap((section) => [...section.lines, '']).slice(0, -1)
      if (lines.join() !== body.join()) hiddenBelow = 0
      body = lines
      foot = newFoot
      draw()
    },
    scroll(lines) {
      hiddenBelow -= lines
      draw()
    },
    end() {
      process.off('exit', leave)
      leave()
    },
  }
}
