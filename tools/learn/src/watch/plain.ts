import type { Display } from './screen.ts'

/** Longer lines are hard to read, even in a wide terminal. */
export const MAX_COLUMNS = 110

/** Prints what is new, line after line: for a pipe, and for a terminal that cannot move its cursor. */
export function createPlainDisplay(out: NodeJS.WriteStream): Display {
  let printed = new Map<string, string>()
  let lastFoot = ''
  return {
    get columns() {
      return Math.min(MAX_COLUMNS, out.columns ?? 80)
    },
    show(sections, foot) {
      const shown = sections
        .filter(({ isLive }) => !isLive)
        .map(({ key, lines }) => [key, lines.join('\n')] as const)
      const news = shown.filter(([key, text]) => printed.get(key) !== text)
      for (const [key, text] of news) out.write(readAddition(printed.get(key), text))
      printed = new Map(shown)
      const isBusy = sections.some(({ isLive }) => isLive)
      const keys = foot.join('\n')
      if (!isBusy && (news.length > 0 || keys !== lastFoot)) out.write(`\n${keys}\n`)
      lastFoot = keys
    },
    scroll() {},
    end() {},
  }
}

/** Returns what was added to a text, or the whole text if it has changed. */
function readAddition(before: string | undefined, now: string): string {
  return before && now.startsWith(`${before}\n`) ? `${now.slice(before.length + 1)}\n` : `\n${now}\n`
}
