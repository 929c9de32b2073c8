import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { readChapters } from '@auth-primer/tool-learn'
import t from 'tap'
import { CHECKOUT } from '../check/pages.ts'

const SECTIONS = [
  'What you will have',
  'FastAPI and here',
  'Steps',
  'Why it works',
  'The notes, checked',
  'What commonly goes wrong',
  'The exercise',
  'What you can do now',
  'Check yourself',
  'In the complete service',
  'Next',
]

const chapters = await readChapters()

t.test('the guide lists every chapter', async (t) => {
  const guide = await readFile(resolve(CHECKOUT, 'docs/README.md'), 'utf8')
  const listed = [...guide.matchAll(/^\| (\d\d[a-z]?) \| \[(.+)\]\((.+)\) \|.*$/gm)].map((row) =>
    row.slice(1, 4),
  )
  t.same(
    listed,
    chapters.map(({ number, title, folder }) => [number, title, `chapters/${basename(folder)}/README.md`]),
  )
})

for (const [index, { number, title, folder }] of chapters.entries()) {
  t.test(`chapter ${number}, ${title}, has the structure of every chapter`, async (t) => {
    const text = await readFile(resolve(folder, 'README.md'), 'utf8')
    const sections = [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading)
    t.same(sections, SECTIONS)
    t.match(text, new RegExp(`^# ${number} · \\S`), 'its number and title')
    const [, head = ''] = text.split('\n\n')
    t.match(
      head,
      /^(The notes: \*.+\*|The course continues with \*.+\*)\. \d\d minutes\. You start from .+/s,
      'the heading of the notes, the time and the starting point',
    )
    const [, steps = ''] = text.split('## Steps')
    t.match(steps.split('\n## ')[0], /^### 1\. /m, 'numbered steps')
    t.match(text, `npm run learn -- check ${number}\n`, 'how to check')
    t.match(text, /```python\n/, 'the FastAPI side')
    t.match(basename(folder), /^\d\d[a-z]?-[a-z-]+$/, 'the name of its folder')

    const [, questions = ''] = text.split('## Check yourself')
    t.equal(questions.match(/<details>\n<summary>.+\?.*<\/summary>\n\n[^<]/g)?.length, 3, 'three questions')
    const [, service = ''] = text.split('## In the complete service')
    t.match(
      service.split('\n## ')[0],
      /\]\(\.\.\/\.\.\/\.\.\/examples\/social-api\//,
      'a file of the service',
    )
    const next = chapters[index + 1]
    if (next) t.match(text.split('## Next')[1], `(../${basename(next.folder)}/README.md)`, 'the next chapter')
  })
}
