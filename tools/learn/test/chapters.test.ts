import { resolve } from 'node:path'
import t from 'tap'
import { findChapter, readChapters } from '../src/chapters.ts'

t.test('reads chapters in their order, each with its title', async (t) => {
  const [chapter, ...others] = await readChapters(resolve(import.meta.dirname, '../fixture/chapters'))
  t.match(chapter, { number: '01', title: 'Adding', hasTables: false })
  t.same(others, [])
})

t.test('knows the guide’s chapters, and which have tables', async (t) => {
  const chapters = await readChapters()
  t.same(
    chapters.map(({ number }) => number),
    chapters.map((_, index) => `${index + 1}`.padStart(2, '0')),
  )
  t.equal((await findChapter('05')).hasTables, true)
  t.equal((await findChapter('07')).hasTables, false)
})

t.test('finds a chapter by its number or its folder', async (t) => {
  for (const name of ['5', '05', '05-creating-users']) t.equal((await findChapter(name)).number, '05', name)
})

t.test('lists the chapters to whoever asks for one that is not there', (t) =>
  t.rejects(findChapter('99'), { message: /no such chapter[\s\S]*05 {2}Store users/ }),
)
