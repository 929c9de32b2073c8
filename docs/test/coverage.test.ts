import { resolve } from 'node:path'
import { readChapters } from '@auth-primer/tool-learn'
import t from 'tap'
import { leadsSomewhere, readLinks } from '../check/links.ts'
import { CHECKOUT, type Page, readPage } from '../check/pages.ts'

/** How many statements the notes of the course have. */
const STATEMENTS = 31

const ROW = /^\| (\d+) \| (.+?) \| (.+?) \| (.*?) ?\|$/gm

/** Returns the rows of the table: a number, a statement, and links to where it is taught and checked. */
const readRows = ({ text }: Page) =>
  [...text.matchAll(ROW)].map((row) => row.slice(1) as [string, string, string, string])

/** Returns the links that do not lead to a section. */
async function findWrongLinks(page: Page, text: string): Promise<string[]> {
  const wrong: string[] = []
  for (const link of readLinks(text))
    if (!link.includes('#') || !(await leadsSomewhere(page, link))) wrong.push(link)
  return wrong
}

const coverage = await readPage(resolve(CHECKOUT, 'docs/course-notes-coverage.md'))
const rows = readRows(coverage)

t.test(`the table has all ${STATEMENTS} statements of the notes, each once`, async (t) => {
  t.same(
    rows.map(([number]) => Number(number)),
    Array.from({ length: STATEMENTS }, (_, index) => index + 1),
  )
  t.equal(new Set(rows.map(([, statement]) => statement)).size, STATEMENTS)
})

t.test('each statement leads to sections that exist', async (t) => {
  for (const [number, statement, taught, checked] of rows) {
    t.ok(readLinks(taught).length > 0, `${number} ${statement} is taught somewhere`)
    t.same(await findWrongLinks(coverage, `${taught} ${checked}`), [], `${number} ${statement}`)
  }
})

t.test('each chapter that follows a heading of the notes checks a statement', async (t) => {
  const checked = rows.map((row) => row[3]).join()
  for (const { number, folder } of await readChapters()) {
    const { text } = await readPage(resolve(folder, 'README.md'))
    if (/^The notes: \*/m.test(text)) t.match(checked, `[${number}](`, `chapter ${number}`)
  }
})

t.test('a link to a page or to a section that does not exist is found', async (t) => {
  const links = [
    'chapters/03-migrations/README.md',
    'chapters/03-migrations/README.md#nowhere',
    'README.md#learn',
  ]
  const text = links.map((link) => `[a](${link})`).join()
  t.same(await findWrongLinks(coverage, text), links.slice(0, 2))
  t.same(readRows({ ...coverage, text: '| 1 | a | [b](c.md#d) | |\n| | no number | x | y |' }), [
    ['1', 'a', '[b](c.md#d)', ''],
  ])
})
