import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, relative, resolve } from 'node:path'

export const CHECKOUT = resolve(import.meta.dirname, '../../..')
const DOCS = resolve(CHECKOUT, 'docs')

/** A page of the site that is written in Markdown. */
export interface SitePage {
  readonly path: string
  /** Its address under `/guide`, such as `errors/NOT_FOUND`. */
  readonly url: string
  /** The heading of its group in the navigation. */
  readonly group: string
  /** The folder whose page this is: a link to the folder leads here. */
  readonly folder?: string
}

/** The start page, which is in no group. */
export const START = resolve(DOCS, 'README.md')

/** The groups of the navigation in their order. */
export const GROUPS = [
  'Before you start',
  'Chapters',
  'Run a class',
  'Build your own',
  'How to',
  'Understand',
  'Errors',
  'API',
  'The repository',
]

const REPOSITORY = [
  ['README.md', 'repository/auth-primer'],
  ['examples/social-api/README.md', 'repository/social-api'],
  ['CONTRIBUTING.md', 'repository/contributing'],
  ['CHANGELOG.md', 'repository/changelog'],
  ['SECURITY.md', 'repository/security-policy'],
] as const

/** Returns every other page, in the order of the navigation. */
export async function readSitePages(): Promise<SitePage[]> {
  const at = (group: string, paths: string[]) => paths.map((path) => createPage(path, toUrl(path), group))
  const chapters = (await listNames('chapters'))
    .filter((name) => /^\d/.test(name))
    .map((name) => resolve(DOCS, 'chapters', name, 'README.md'))
  const start = ['typescript', 'fastify', 'sql', 'terminal'].map((name) => resolve(DOCS, `start/${name}.md`))
  const stages = (await listPages('build-your-own')).filter((path) => basename(path) !== 'README.md')
  const lessons = (await listPages('class')).filter((path) => basename(path) !== 'README.md')
  const beside = ['glossary.md', 'from-fastapi.md', 'differences.md', 'instructors.md'].map((name) =>
    resolve(DOCS, name),
  )
  return [
    ...at('Before you start', start),
    ...at('Chapters', [...chapters, ...beside]),
    ...at('Run a class', [resolve(DOCS, 'class/README.md'), ...lessons]),
    ...at('Build your own', [resolve(DOCS, 'build-your-own/README.md'), ...stages]),
    ...at('How to', await listPages('how-to')),
    ...at('Understand', await listPages('explanation')),
    ...at('Errors', await listPages('errors')),
    ...REPOSITORY.map(([path, url]) => createPage(resolve(CHECKOUT, path), url, 'The repository')),
  ]
}

/** Returns every file that the site depends on. */
export async function readSources(): Promise<string[]> {
  const all = await Promise.all(
    ['docs', 'packages', 'tools/guide/site'].map(async (folder) => {
      const entries = await readdir(resolve(CHECKOUT, folder), { recursive: true, withFileTypes: true })
      return entries.filter((entry) => entry.isFile()).map((entry) => resolve(entry.parentPath, entry.name))
    }),
  )
  const isSource = (path: string) => IS_SOURCE.test(relative(CHECKOUT, path))
  const pages = await readSitePages()
  return [...all.flat().filter(isSource), ...pages.map(({ path }) => path)]
}

const IS_SOURCE =
  /^tools\/guide\/site\/|^docs\/.*\.(md|svg|png)$|^packages\/[^/]+\/(src\/.*|README\.md|typedoc\.json)$/

/** A page's title is its first heading. */
export function readTitle(markdown: string): string {
  return /^# (.+)$/m.exec(markdown)?.[1]?.replaceAll('`', '') ?? ''
}

/** Creates the page that lists the errors. Its links are relative to `path`, where it is kept while the site is built. */
export async function createErrorsPage(
  path: string,
  pages: readonly SitePage[],
): Promise<SitePage & { text: string }> {
  const rows = await Promise.all(
    pages.map(async (page) => {
      const [code = '', meaning = ''] = readTitle(await readFile(page.path, 'utf8')).split(': ')
      return { code, meaning, link: relative(dirname(path), page.path), owner: findOwner(code) }
    }),
  )
  const sections = Object.keys(OWNERS).map((owner) => {
    const lines = rows
      .filter((row) => row.owner === owner)
      .map(({ code, meaning, link }) => `| [${code}](${link}) | ${meaning} |`)
    return `## ${owner}\n\n| code | what it means |\n|---|---|\n${lines.join('\n')}\n`
  })
  const text = `---
children:
${rows.map(({ link }) => `  - ${link}`).join('\n')}
---
# Errors

Every error has a code, and every code has a page. It says what happened, why, and how to fix it.

${sections.join('\n')}`
  return { path, url: 'errors', group: 'Errors', folder: resolve(DOCS, 'errors'), text }
}

const OWNERS = {
  'social-api': /^(?!AUTH_HASH_|JWT_KIT_|JWT_REMOTE_|DB_SESSION_)/,
  'auth-hash': /^AUTH_HASH_/,
  'jwt-kit': /^JWT_KIT_/,
  'jwt-remote': /^JWT_REMOTE_/,
  'db-session': /^DB_SESSION_/,
}

function findOwner(code: string): string | undefined {
  return Object.entries(OWNERS).find(([, codes]) => codes.test(code))?.[0]
}

function createPage(path: string, url: string, group: string): SitePage {
  return { path, url, group, ...(basename(path) === 'README.md' && { folder: dirname(path) }) }
}

function toUrl(path: string): string {
  const url = relative(DOCS, path).replace(/\.md$/, '')
  return basename(url) === 'README' ? dirname(url) : url
}

async function listPages(folder: string): Promise<string[]> {
  const names = await listNames(folder)
  return names.filter((name) => name.endsWith('.md')).map((name) => resolve(DOCS, folder, name))
}

async function listNames(folder: string): Promise<string[]> {
  return (await readdir(resolve(DOCS, folder))).sort()
}
