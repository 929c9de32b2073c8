import { readdir, readFile } from 'node:fs/promises'
import { posix, relative, resolve } from 'node:path'
import { lexer, parser, walkTokens } from 'marked'
import { escapeHtml } from './page.ts'

const DOCS = resolve(import.meta.dirname, '../../../docs')

export interface GuidePage {
  readonly title: string
  /** Its HTML, rendered at the first request, so that a start does not wait for ninety pages. */
  readonly content: string
}

/** Returns the pages of `docs/` by their paths under `/guide`, such as `errors/NOT_FOUND`; none if there is no folder. */
export async function readGuide(dir = DOCS): Promise<ReadonlyMap<string, GuidePage>> {
  const entries = await readdir(dir, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => resolve(entry.parentPath, entry.name))
    .sort()
  const names = files.map((file) => relative(dir, file).replace(/\.md$/, ''))
  const known = new Set(names)
  const pages = new Map<string, GuidePage>()
  const titles = new Map<string, string>()
  for (const [index, file] of files.entries()) {
    const name = names[index] as string
    const markdown = await readFile(file, 'utf8')
    const title = /^# (.+)$/m.exec(markdown)?.[1] ?? name
    titles.set(name, title)
    pages.set(name, {
      title,
      get content() {
        return `${BACK}\n${render(markdown, name, known)}`
      },
    })
  }
  pages.set('', { title: 'The guide', content: renderContents(titles) })
  return pages
}

const BACK = '<p><a href="/guide">The guide</a></p>'

/** Renders Markdown. Links to pages are kept; pictures, and links to files that are not served, become plain text. */
function render(markdown: string, name: string, names: ReadonlySet<string>): string {
  const tokens = lexer(markdown)
  walkTokens(tokens, (token) => {
    if ((token.type !== 'link' && token.type !== 'image') || /^https?:/.test(token.href)) return
    const [path = ''] = token.href.split('#')
    const target = posix.join(posix.dirname(name), path.replace(/\.md$/, ''))
    Object.assign(token, names.has(target) ? { href: `/guide/${target}` } : { type: 'text' })
  })
  return parser(tokens)
}

function renderContents(titles: ReadonlyMap<string, string>): string {
  const list = (isWanted: (name: string) => boolean) =>
    [...titles]
      .filter(([name]) => isWanted(name))
      .map(([name, title]) => `  <li><a href="/guide/${name}">${escapeHtml(title)}</a></li>`)
      .join('\n')
  const isError = (name: string) => name.startsWith('errors/')
  return `<h1>The guide</h1>
<ul>
${list((name) => !isError(name))}
</ul>
<h2>Errors</h2>
<ul>
${list(isError)}
</ul>`
}
