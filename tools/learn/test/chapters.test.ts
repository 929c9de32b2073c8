import { resolve } from 'node:path'
import t from 'tap'
import { findChapter, readChapters } from '../src/chapters.ts'

t.test('readChapters() returns the chapters in order, each with its title', async (t) => {
  const [chapter, ...others] = await readChapters(resolve(import.meta.dirname, '../fixture/chapters'))
  t.match(chapter, { number: '01', title: 'Adding', tables: undefined })
  t.same(others, [])
})

t.test('readChapters() finds the chapters of the guide, and those with tables', async (t) => {
  const chapters = await readChapters()
  const numbers = chapters.map(({ number }) => number)
  t.same(
    numbers.filter((number) => /^\d+$/.test(number)),
    Array.from({ length: 18 }, (_, index) => `${index + 1}`.padStart(2, '0')),
  )
  t.same(numbers, numbers.toSorted())
  t.match(await findChapter('05'), { tables: 'users' })
  t.match(await findChapter('07'), { tables: undefined })
})

t.test('findChapter() finds a chapter by its number or its folder', async (t) => {
  for (const name of ['5', '05', '05-creating-users']) t.equal((await findChapter(name)).number, '05', name)
})

t.test('a chapter with a letter comes after the one with its number', async (t) => {
  const page = (heading: string) => ({ 'README.md': `# ${heading}` })
  const dir = t.testdir({
    '05-last': page('05 · Last'),
    '04a-middle': page('04a · Between'),
    '04-first': page('04 · First'),
    app: { 'app.ts': '' },
    '4-no-chapter': page('Other'),
    '04ab-no-chapter': page('Other'),
  })
  const chapters = await readChapters(dir)
  t.same(
    chapters.map(({ number, title }) => [number, title]),
    [
      ['04', 'First'],
      ['04a', 'Between'],
      ['05', 'Last'],
    ],
  )
  for (const name of ['4a', '04a', '04A', '04a-middle'])
    t.equal((await findChapter(name, dir)).number, '04a', name)
  for (const name of ['4', '04', '04-first']) t.equal((await findChapter(name, dir)).number, '04', name)
  for (const name of ['a', '4b', '04ab', 'middle']) await t.rejects(findChapter(name, dir), name)
})

t.test('findChapter() rejects an unknown chapter with the list of chapters', (t) =>
  t.rejects(findChapter('99'), { message: /no such chapter[\s\S]*05 {2}Store users/ }),
)
