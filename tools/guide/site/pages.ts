import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, relative, resolve } from 'node:path'

export const CHECKOUT = resolve(import.meta.dirname, '../../..')

/** A page of the site. */
export interface SitePage {
  /** Its Markdown file. The page's links are relative to it. */
  readonly path: string
  /** Its address under `/guide`, such as `errors/NOT_FOUND`. */
  readonly url: string
  /** The heading of its group in the sidebar; empty for a page that is not in it. */
  readonly group: string
  /** Its first heading, without Markdown. */
  readonly title: string
  readonly text: string
}

/** The folders and files of each group of the sidebar. */
const GROUPS: Record<string, readonly string[]> = {
  Start: [
    'docs/README.md',
    'docs/start/typescript.md',
    'docs/start/fastify.md',
    'docs/start/sql.md',
    'docs/start/terminal.md',
    'docs/from-fastapi.md',
    'docs/differences.md',
    'docs/glossary.md',
  ],
  Chapters: ['docs/chapters', 'docs/course-notes-coverage.md'],
  'How to': ['docs/how-to'],
  Explanation: ['docs/explanation'],
  'Build your own': ['docs/build-your-own/README.md', 'docs/build-your-own'],
  Class: ['docs/class/README.md', 'docs/class', 'docs/instructors.md'],
  API: ['packages'],
  Errors: ['docs/errors'],
  'The repository': [
    'README.md',
    'examples/social-api/README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'SECURITY.md',
  ],
}

/** Returns every page except the reference, in the order of the sidebar. */
export async function readSitePages(): Promise<SitePage[]> {
  const home = await readPage('tools/guide/site/home.md', '')
  const groups = Object.entries(GROUPS).map(async ([group, names]) => {
    const paths = new Set((await Promise.all(names.map(listMarkdown))).flat())
    return Promise.all([...paths].map((path) => readPage(path, group)))
  })
  const pages = [home, ...(await Promise.all(groups)).flat()]
  return [...pages, createErrorsPage(pages.filter(({ group }) => group === 'Errors'))]
}

/** Returns a file's path, or those of a folder's pages and of the READMEs in its subfolders; none if it doesn't exist. */
async function listMarkdown(name: string): Promise<string[]> {
  if (name.endsWith('.md')) return existsSync(resolve(CHECKOUT, name)) ? [name] : []
  const entries = await readdir(resolve(CHECKOUT, name), { withFileTypes: true }).catch(() => [])
  const paths = entries.map((entry) => `${name}/${entry.name}${entry.isDirectory() ? '/README.md' : ''}`)
  return paths.filter((path) => path.endsWith('.md') && existsSync(resolve(CHECKOUT, path))).sort()
}

async function readPage(name: string, group: string): Promise<SitePage> {
  const path = resolve(CHECKOUT, name)
  const text = await readFile(path, 'utf8')
  return { path, url: toUrl(name), group, title: readTitle(text), text }
}

const URLS: Record<string, string> = {
  'tools/guide/site/home.md': 'index',
  'docs/README.md': 'contents',
  'README.md': 'repository/auth-primer',
  'examples/social-api/README.md': 'repository/social-api',
  'CONTRIBUTING.md': 'repository/contributing',
  'CHANGELOG.md': 'repository/changelog',
  'SECURITY.md': 'repository/security-policy',
}

function toUrl(name: string): string {
  return (
    URLS[name] ??
    name
      .replace(/^docs\//, '')
      .replace(/^packages\//, 'api/')
      .replace(/(\/README)?\.md$/, '')
  )
}

/** A page's title is its first heading. */
export function readTitle(markdown: string): string {
  return /^# (.+)$/m.exec(markdown)?.[1]?.replaceAll('`', '') ?? ''
}

/** Creates the page that lists the errors. */
function createErrorsPage(pages: readonly SitePage[]): SitePage {
  const sections = Object.entries(OWNERS).map(([owner, codes]) => {
    const rows = pages
      .map(({ path, title }) => [basename(path), ...title.split(': ')] as const)
      .filter(([, code = '']) => codes.test(code))
      .map(([file, code, meaning]) => `| [${code}](${file}) | ${meaning} |`)
    return `## ${owner}\n\n| code | what it means |\n|---|---|\n${rows.join('\n')}\n`
  })
  const text = `# Errors

Every error has a code, and every code has a page. It says what happened, why, and how to fix it.

${sections.join('\n')}`
  return { path: resolve(CHECKOUT, 'docs/errors/README.md'), url: 'errors', group: '', title: 'Errors', text }
}

/** The codes of each package and of the service. */
export const OWNERS: Record<string, RegExp> = {
  'social-api': /^(?!AUTH_HASH_|JWT_KIT_|JWT_REMOTE_|DB_SESSION_)/,
  'auth-hash': /^AUTH_HASH_/,
  'jwt-kit': /^JWT_KIT_/,
  'jwt-remote': /^JWT_REMOTE_/,
  'db-session': /^DB_SESSION_/,
}

/** Returns every file that the site depends on. */
export async function readSources(): Promise<string[]> {
  const all = await Promise.all(
    ['docs', 'packages', 'tools/guide/site'].map(async (folder) => {
      const entries = await readdir(resolve(CHECKOUT, folder), { recursive: true, withFileTypes: true })
      return entries.filter((entry) => entry.isFile()).map((entry) => resolve(entry.parentPath, entry.name))
    }),
  )
  const isSource = (path: string) => IS_SOURCE.test(toName(path))
  return [...all.flat().filter(isSource), ...(await readSitePages()).map(({ path }) => path)].filter((path) =>
    existsSync(path),
  )
}

const IS_SOURCE =
  /^tools\/guide\/site\/(?!\.work)|^docs\/.*\.(md|svg|png)$|^packages\/[^/]+\/(src\/.*|README\.md|typedoc\.json)$/

/** Returns a file's path from the checkout. */
export function toName(path: string): string {
  return relative(CHECKOUT, path).replaceAll('\\', '/')
}
