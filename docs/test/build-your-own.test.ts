import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import t from 'tap'
import type { Stage } from '../../tools/challenge/src/check.ts'
import { STAGES } from '../../tools/challenge/src/stages/index.ts'
import { readLinks } from '../check/links.ts'
import { CHECKOUT, type Page, readBlocks, readPage, readPages } from '../check/pages.ts'

const FOLDER = resolve(CHECKOUT, 'docs/build-your-own')
const SECTIONS = [
  'Your task',
  'The requests',
  'What is checked',
  'Why it matters',
  'What commonly goes wrong',
  'Learn more',
]

const readStagePage = (stage: Stage) => readPage(resolve(FOLDER, pageName(stage)))

t.test('the index lists every stage in its order, with its page', async (t) => {
  const index = await readPage(resolve(FOLDER, 'README.md'))
  const listed = [...index.text.matchAll(/^\| (\d\d) \| \[(.+)\]\((.+)\) \|.*$/gm)].map((row) =>
    row.slice(1, 4),
  )
  t.same(
    listed,
    STAGES.map((stage) => [stage.number, stage.title, pageName(stage)]),
  )
})

t.test('each page belongs to a stage', async (t) => {
  t.same((await readdir(FOLDER)).sort(), [...STAGES.map(pageName), 'README.md'].sort())
})

t.test('each stage is named by a chapter that prepares for it', async (t) => {
  const links = (await readPages())
    .filter(({ name }) => name.startsWith('docs/chapters/'))
    .flatMap(({ text }) => readLinks(/^Apply it: .*$/m.exec(text)?.[0] ?? ''))
  for (const stage of STAGES) t.ok(links.includes(`../../build-your-own/${pageName(stage)}`), pageName(stage))
})

for (const stage of STAGES) {
  t.test(`the page of stage ${stage.number} has every section, and names every check`, async (t) => {
    t.same(findFaults(await readStagePage(stage), stage), [])
  })
}

t.test('a page with another structure, or without a check, is found', async (t) => {
  const stage = STAGES.find(({ checks }) => checks.length > 2) as Stage
  const page = await readStagePage(stage)
  const faultsOf = (from: string | RegExp, to: string) =>
    findFaults({ ...page, text: page.text.replace(from, to) }, stage)
  t.same(faultsOf(/^# .+$/m, '# Another title'), ['The title is not that of the stage.'])
  t.same(faultsOf('## Why it matters', '## Why'), ['The headings are not those of every page.'])
  t.same(faultsOf(/## Why it matters\n\n[^#]+/, '## Why it matters\n\n'), ['A section is empty.'])
  t.same(faultsOf(/```http\n.*?```/gs, 'A request.'), ['No `http` block shows a request and its response.'])
  t.same(faultsOf(/HTTP\/1\.1 \d.*/g, ''), ['No `http` block shows a request and its response.'])
  t.same(faultsOf(`- **${stage.checks[1]?.title}**: `, '- '), ['The checks are not those of the stage.'])
  t.same(faultsOf('## Why it matters', '- **another check**: x\n\n## Why it matters'), [
    'The checks are not those of the stage.',
  ])
  t.same(faultsOf(/\(\.\.\/chapters\/[^)]+\)/g, '(../README.md)'), ['It links to no chapter.'])
  t.same(faultsOf('## Why it matters\n', '## Why it matters\n\neyJhbGciOiJIUzI1NiJ9'), [
    'It contains a token.',
  ])
})

/** Returns a sentence for each way in which a page differs from what the page of this stage must be. */
function findFaults({ text }: Page, { number, title, checks }: Stage): string[] {
  const faults: string[] = []
  const [head = '', ...sections] = text.split(/^## /m)
  if (head !== `# ${number} · ${title}\n\n`) faults.push('The title is not that of the stage.')
  const contents = sections.map((section) => section.split(/\n+/s))
  if (contents.map(([heading]) => heading).join() !== SECTIONS.join())
    faults.push('The headings are not those of every page.')
  if (contents.some(([, ...lines]) => lines.join('') === '')) faults.push('A section is empty.')
  const requests = readBlocks(text).filter(({ language }) => language === 'http')
  if (!requests.some(({ code }) => /^[A-Z]+ \/\S* HTTP\/1\.1\n.*^HTTP\/1\.1 \d{3} /ms.test(code)))
    faults.push('No `http` block shows a request and its response.')
  // one line per check, which begins with its title as the terminal shows it
  const named = [...text.matchAll(/^- \*\*(.+?)\*\*: \S/gm)].map(([, name]) => name)
  if (named.join('\n') !== checks.map((check) => check.title).join('\n'))
    faults.push('The checks are not those of the stage.')
  if (!readLinks(text).some((link) => link.startsWith('../chapters/'))) faults.push('It links to no chapter.')
  if (/eyJ[\w-]{5}/.test(text)) faults.push('It contains a token.')
  return faults
}

function pageName({ number, slug }: Stage): string {
  return `${number}-${slug}.md`
}
