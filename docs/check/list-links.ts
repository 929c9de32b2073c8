import { findDeadUrls, isExternal, readLinkedPages, readLinks } from './links.ts'

// `npm run docs:links`: lists the links to other sites. With `--check` it requests them, and fails if one is dead.
const found = (await readLinkedPages()).flatMap(({ name, text }) =>
  readLinks(text)
    .filter(isExternal)
    .map((url) => ({ name, url })),
)
const dead = process.argv.includes('--check')
  ? await findDeadUrls(found.map(({ url }) => url.replace(/#.*/, '')))
  : new Map<string, string>()

const lines = found.map(({ name, url }) => {
  const reason = dead.get(url.replace(/#.*/, ''))
  return `${name} ${url}${reason ? ` (${reason})` : ''}`
})
process.stdout.write(`${[...new Set(lines)].sort().join('\n')}\n`)
if (dead.size > 0) {
  console.error(`${dead.size} of these URLs cannot be reached. The reason follows each URL.`)
  process.exitCode = 1
}
