import type { Display } from './screen.ts'

/** Lines longer than this are hard to read, however wide a terminal is. */
export const WIDE = 110

/** For a terminal that cannot move its cursor, and for a pipe: says what is new, line after line. */
export function plainLines(out: NodeJS.WriteStream): Display {
  let known = new Map<string, string>()
  let lastFoot = ''
  return {
    get columns() {
      return Math.min(WIDE, out.columns ?? 80)
    },
    show(sections, foot) {
      const shown = sections.filter(({ isLive }) => !isLive)
      const news = shown.map(({ key, lines }) => [key, lines.join('\n')] as const)
      for (const [key, text] of news)
        if (known.get(key) !== text) out.write(`${newPart(known.get(key), text)}\n`)
      known = new Map(news)
      const keys = foot.join('\n')
      if (keys !== lastFoot) out.write(`${keys}\n`)
      lastFoot = keys
    },
    scroll() {},
    end() {},
  }
}

/** Of a text that has grown, what it has grown by. */
function newPart(before: string | undefined, now: string): string {
  return before && now.startsWith(`${before}\n`) ? now.slice(before.length + 1) : now
}
