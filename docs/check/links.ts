import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import MarkdownIt from 'markdown-it'
import { CHECKOUT, type Page, readPage, readPages } from './pages.ts'

/** How long a site may take to respond, in milliseconds. */
const TIMEOUT_MS = 20_000
/** How many sites are asked at the same time. */
const PARALLEL = 8

const ROOT_PAGES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md']

/** Returns every page of `docs/`, the pages of the repository's root, and the README of each workspace. */
export async function readLinkedPages(): Promise<Page[]> {
  const readmes = await Promise.all(
    ['packages', 'examples', 'tools'].map(async (folder) => {
      const names = await readdir(resolve(CHECKOUT, folder))
      return names.map((name) => `${folder}/${name}/README.md`)
    }),
  )
  const paths = [...ROOT_PAGES, ...readmes.flat()].map((path) => resolve(CHECKOUT, path))
  return [
    ...(await readPages()),
    ...(await Promise.all(paths.filter((path) => existsSync(path)).map(readPage))),
  ]
}

const markdown = new MarkdownIt({ html: true, linkify: true })
markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false })

/** Returns the targets of a page's links and images. Code is not searched. */
export function readLinks(text: string): string[] {
  const tokens = markdown.parse(text, {}).flatMap(({ children }) => children ?? [])
  return tokens.flatMap((token) => token.attrGet('href') ?? token.attrGet('src') ?? [])
}

/** Returns true for a link to another site. Addresses of this machine and of examples are not. */
export function isExternal(link: string): boolean {
  return /^https?:/.test(link) && !/^https?:\/\/(localhost|127\.0\.0\.1|[^/]*\bexample\b)/.test(link)
}

/** Returns true if a link to a file of the repository, or to a heading, has a target. */
export async function leadsSomewhere(page: Page, link: string): Promise<boolean> {
  const [path = '', heading] = decodeURI(link).split('#')
  const target = path === '' ? page.path : resolve(page.path, '..', path)
  if (!existsSync(target)) return false
  return heading === undefined || readAnchors((await readPage(target)).text).includes(heading)
}

/** Returns the anchors of a page's headings, as GitHub makes them. */
export function readAnchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  )
}

/** Requests each URL, and returns those that cannot be reached, each with the reason. */
export async function findDeadUrls(urls: readonly string[]): Promise<Map<string, string>> {
  const dead = new Map<string, string>()
  const rest = [...new Set(urls)]
  const work = async () => {
    for (let url = rest.pop(); url !== undefined; url = rest.pop()) {
      const reason = await request(url)
      if (reason !== undefined) dead.set(url, reason)
    }
  }
  await Promise.all(Array.from({ length: PARALLEL }, work))
  return dead
}

async function request(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    await response.body?.cancel()
    return response.ok ? undefined : `status ${response.status}`
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } }
    return cause?.code ?? (error instanceof Error ? error.name : String(error))
  }
}
