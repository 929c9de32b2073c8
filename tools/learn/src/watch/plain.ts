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
      const shown = sections
        .filter(({ isLive }) => !isLive)
        .map(({ key, lines }) => [key, lines.join('\n')] as const)
      const news = shown.filter(([key, text]) => known.get(key) !== text)
      for (const [key, text] of news) out.write(newPart(known.get(key), text))
      known = new Map(shown)
      const isBusy = sections.some(({ isLive }) => isLive)
      const keys = foot.join('\n')
      if (!isBusy && (news.length > 0 || keys !== lastFoot)) out.write(`\n${keys}\n`)
      lastFoot = keys
    },
    scroll() {},
    end() {},
  }
}

/** Of a text that has grown, what it has grown by. */
function newPart(before: string | undefined, now: string): string {
  return before && now.startsWith(`${before}\n`) ? `${now.slice(before.length + 1)}\n` : `\n${now}\n`
}
