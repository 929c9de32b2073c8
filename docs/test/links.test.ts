import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { lexer, walkTokens } from 'marked'
import t from 'tap'
import { CHECKOUT, type Page, readPage, readPages } from '../check/pages.ts'

const READMES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'SECURITY.md'].map((name) =>
  resolve(CHECKOUT, name),
)
const pages = [...(await readPages()), ...(await Promise.all(READMES.map(readPage)))]

for (const page of pages) {
  t.test(`${page.name} has no dead link`, async (t) => {
    for (const link of linksOf(page.text)) t.ok(await leadsSomewhere(page, link), link)
  })
}

/** The links to files of the repository, and to headings. */
function linksOf(text: string): string[] {
  const links: string[] = []
  walkTokens(lexer(text), (token) => {
    if ((token.type === 'link' || token.type === 'image') && !/^(https?|mailto):/.test(token.href))
      links.push(token.href)
  })
  return links
}

async function leadsSomewhere(page: Page, link: string): Promise<boolean> {
  const [path = '', heading] = decodeURI(link).split('#')
  const target = path === '' ? page.path : resolve(page.path, '..', path)
  if (!existsSync(target)) return false
  return heading === undefined || anchorsOf((await readPage(target)).text).includes(heading)
}

/** The names of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  )
}

t.test('a dead link is found', async (t) => {
  const page = { path: resolve(CHECKOUT, 'docs/x.md'), name: 'docs/x.md', text: '# A `b` c!' }
  for (const link of ['nowhere.md', '../README.md#nowhere', '#a-b'])
    t.notOk(await leadsSomewhere(page, link), link)
  for (const link of ['../README.md', '../README.md#two-commands'])
    t.ok(await leadsSomewhere(page, link), link)
  t.same(anchorsOf(page.text), ['a-b-c'])
  t.same(linksOf('[a](b.md) <https://x.example> `[c](d.md)` ![e](f.svg)'), ['b.md', 'f.svg'])
})
