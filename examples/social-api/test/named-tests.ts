/** Reads the tests that a page quotes, as `[label] “title”`, and the files of the labels. */
export function readQuotes(page: string) {
  const files = new Map(
    [...page.matchAll(/^\[([^\]]+)\]: (\S+)$/gm)].map(([, label, path]) => [label as string, path as string]),
  )
  const quotes = [...page.matchAll(/\[([^\]]+)\]\s“([^”]+)”/g)].map(([, label = '', name = '']) => ({
    label,
    name: name.replaceAll(/\s+/g, ' '),
  }))
  return { files, quotes }
}

/** Returns true if a file has a test with this title. The values of each `${…}` in the title must be in the file too. */
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
