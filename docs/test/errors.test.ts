import { basename } from 'node:path'
import { readChapters } from '@auth-primer/tool-learn'
import t from 'tap'
import { type Page, readPages } from '../check/pages.ts'

const SECTIONS = ['What happened', 'Why', 'How to fix it', 'Learn more']

const pages = (await readPages()).filter(({ name }) => name.startsWith('docs/errors/'))
const chapters = new Map((await readChapters()).map((chapter) => [basename(chapter.folder), chapter]))

t.test('the errors have pages', async (t) => {
  t.ok(pages.length > 0)
})

for (const page of pages) {
  t.test(`${page.name} has the structure of every error page`, async (t) => {
    t.same(findFaults(page), [])
  })
}

t.test('a page with another structure than an error page is found', async (t) => {
  const page = pages.find(({ text }) => text.includes('/chapters/')) as Page
  const faultsOf = (from: string | RegExp, to: string) =>
    findFaults({ ...page, text: page.text.replace(from, to) })
  t.same(faultsOf(/^# .+$/m, `# ${basename(page.name, '.md')}`), ['The title is not `# CODE: a title`.'])
  t.same(faultsOf(/^# \w+:/, '# ANOTHER_CODE:'), ['The title is not `# CODE: a title`.'])
  t.same(faultsOf('## Why', '## Where it comes from'), ['The headings are not those of every error page.'])
  t.same(faultsOf('## How to fix it', '### How to fix it'), [
    'The headings are not those of every error page.',
  ])
  t.same(faultsOf(/## Why\n\n[^#]+/, '## Why\n\n'), ['A section is empty.'])
  t.same(faultsOf(/(Chapter \d\d\w?, )\[[^\]]+\]/, '$1[Another title]'), [
    'The link `Chapter … Another title` is not the number and title of its chapter.',
  ])
})

/** Returns a sentence for each way in which a page differs from the structure of all error pages. */
function findFaults({ name, text }: Page): string[] {
  const faults: string[] = []
  const code = basename(name, '.md')
  const [title = '', ...sections] = text.split(/^## /m)
  if (!new RegExp(`^# ${code}: [A-Z]\\S*( \\S+)*\n\n$`).test(title))
    faults.push('The title is not `# CODE: a title`.')
  const headings = sections.map((section) => section.split('\n', 1)[0])
  if (headings.join() !== SECTIONS.join()) faults.push('The headings are not those of every error page.')
  if (sections.some((section) => section.split('\n').slice(1).join('').trim() === ''))
    faults.push('A section is empty.')
  for (const [, number, linked = '', folder = ''] of text.matchAll(CHAPTER_LINK)) {
    const chapter = chapters.get(folder)
    if (chapter?.number !== number || chapter?.title !== linked)
      faults.push(`The link \`Chapter … ${linked}\` is not the number and title of its chapter.`)
  }
  return faults
}

const CHAPTER_LINK = /Chapter (\d\d[a-z]?), \[([^\]]+)\]\(\.\.\/chapters\/([^/]+)\/README\.md\)/g
