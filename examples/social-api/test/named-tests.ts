/** What a page says is shown by tests, `[label] “name of the test”`, and the files that its labels stand for. */
export function quotesOf(page: string) {
  const files = new Map(
    [...page.matchAll(/^\[([^\]]+)\]: (\S+)$/gm)].map(([, label, path]) => [label as string, path as string]),
  )
  const quotes = [...page.matchAll(/\[([^\]]+)\]\s“([^”]+)”/g)].map(([, label = '', name = '']) => ({
    label,
    name: name.replaceAll(/\s+/g, ' '),
  }))
  return { files, quotes }
}

/** Whether a file has a test of this name; of a name with a `${…}` in it, what stands there is in the file, too. */
export function hasTest(source: string, name: string): boolean {
  const titles = [...source.matchAll(/\.test\(\s*(?:'([^']+)'|"([^"]+)"|`([^`]+)`)/g)].map(
    ([, ...texts]) => texts.find((text) => text !== undefined) as string,
  )
  return titles.some((title) => {
    const parts = title.split(/\$\{.+?\}/).map(literally)
    const match = new RegExp(`^${parts.join('(.+)')}$`).exec(name)
    return match?.slice(1).every((value) => source.includes(value)) ?? false
  })
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
