import { readdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import t from 'tap'
import { readLessons } from '../server/lessons.ts'

t.test('a lesson has all of “What happened” as plain text, its page and its chapter', async (t) => {
  const page = `# A_CODE: A title

## What happened

The \`email\` is **taken**, as
[RFC 9110](https://example.com) says.

One of these is true:

- It was taken
  before.
- Another.

## Learn more

Not this.


- Chapter 04a, [A title](../chapters/04a-a-folder/README.md)
`
  const dir = t.testdir({
    'A_CODE.md': page,
    'NO_CHAPTER.md': page.replace(/- Chapter.*/, ''),
    // No blank line below the heading, and no other section.
    'SHORT.md': '# SHORT\n\n## What happened\nA line\nand another.\n',
    'notes.txt': 'not a page',
  })
  const what =
    'The email is taken, as RFC 9110 says.\nOne of these is true:\n• It was taken before.\n• Another.'
  const lesson = { what, page: '/guide/errors/A_CODE' }
  t.same(await readLessons(dir, '/guide'), {
    A_CODE: {
      ...lesson,
      chapter: { title: 'Chapter 04a, A title', page: '/guide/chapters/04a-a-folder/README' },
    },
    NO_CHAPTER: { ...lesson, page: '/guide/errors/NO_CHAPTER' },
    SHORT: { what: 'A line and another.', page: '/guide/errors/SHORT' },
  })
  t.same((await readLessons(dir, undefined)).A_CODE, { what }, 'without a guide, it has no links')
  t.same(await readLessons(resolve(dir, 'none'), '/guide'), {})
})

t.test('every error page has a lesson that is a complete text', async (t) => {
  const dir = resolve(import.meta.dirname, '../../../docs/errors')
  const lessons = await readLessons(dir, '/guide')
  t.same(Object.keys(lessons).sort(), (await readdir(dir)).map((name) => name.replace('.md', '')).sort())
  for (const [code, { what }] of Object.entries(lessons)) t.match(what, /^\w.*[.]$/s, code)
})
