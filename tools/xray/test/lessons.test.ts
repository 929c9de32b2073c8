import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import t from 'tap'
import { readLessons } from '../server/lessons.ts'

t.test('a lesson has the first paragraph of its page as plain text, its page and its chapter', async (t) => {
  const page = `# A_CODE: A title

## What happened

The \`email\` is **taken**, as
[RFC 9110](https://example.com) says.

Another paragraph.

## Learn more

- Chapter 04a, [A title](../chapters/04a-a-folder/README.md)
`
  const dir = t.testdir({
    'A_CODE.md': page,
    'NO_CHAPTER.md': page.replace(/- Chapter.*/, ''),
    'notes.txt': 'not a page',
  })
  const lesson = { what: 'The email is taken, as RFC 9110 says.', page: '/guide/errors/A_CODE' }
  t.same(await readLessons(dir, '/guide'), {
    A_CODE: {
      ...lesson,
      chapter: { title: 'Chapter 04a, A title', page: '/guide/chapters/04a-a-folder/README' },
    },
    NO_CHAPTER: { ...lesson, page: '/guide/errors/NO_CHAPTER' },
  })
  t.same(await readLessons(resolve(dir, 'none'), '/guide'), {})
})

t.test('every error page has a lesson that is a complete text', async (t) => {
  const dir = resolve(import.meta.dirname, '../../../docs/errors')
  const lessons = await readLessons(dir, '/guide')
  t.same(Object.keys(lessons).sort(), (await readdir(dir)).map((name) => name.replace('.md', '')).sort())
  for (const [code, { what }] of Object.entries(lessons)) t.match(what, /^\w.*[.:]$/, code)
})
