import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { findChapter, readChapters } from '../../src/chapters.ts'
import { readTask } from '../../src/exercise.ts'
import { footOf } from '../../src/watch/foot.ts'
import { EMPTY, nextOpen, type State } from '../../src/watch/state.ts'
import { viewOf } from '../../src/watch/view.ts'

const chapters = await readChapters()
const chapter = await findChapter('05').then(({ number }) => chapters.find((one) => one.number === number))
if (!chapter) throw new Error('There is no chapter 05')

const state: State = {
  ...EMPTY,
  ...{ chapters, chapter, passed: new Set(['01', '02']), task: await readTask(chapter), watches: true },
  ...{ files: ['sign-up.ts'], selected: 4 },
  verdict: {
    passed: false,
    output: 'hello\n',
    checks: [
      { sentence: 'a user is stored', state: 'passed' },
      {
        sentence: 'the table has a hash',
        state: 'failed',
        ...{ mistake: 'plain', finding: 'It has the password.', expected: "'$2b$…'", came: "'tomatoes'" },
        hints: ['Look at the row.', 'Hash it.', '`await hash(password)`'],
      },
      { sentence: 'two hashes differ', state: 'not run' },
    ],
  },
}
const textOf = (state: State, columns = 80) =>
  [...viewOf(state, columns).flatMap(({ lines }) => lines), ...footOf(state, columns)]
    .map(stripVTControlCharacters)
    .join('\n')

t.test('the task, what was expected and what came, and what was printed', async (t) => {
  const text = textOf(state)
  t.match(
    text,
    'Open `exercise/sign-up.ts` and write `signUp`. Hash the password, insert the\nrow, and return the three properties of `UserOut`.\n',
  )
  t.match(text, 'Read  docs/chapters/05-creating-users/README.md\n')
  t.match(text, 'Write docs/chapters/05-creating-users/exercise/sign-up.ts\n')
  t.match(
    text,
    "✗ the table has a hash\n· two hashes differ\nIt has the password.\n  expected: '$2b$…'\n  came:     'tomatoes'",
  )
  t.match(text, 'It printed:\n│ hello\n')
  t.match(text, '2 of 17 chapters done')
})

t.test('as many hints as were asked for', async (t) => {
  for (const hints of [0, 1, 2, 3]) {
    const text = textOf({ ...state, hints })
    t.equal(text.match(/^Hint \d of 3: /gm)?.length ?? 0, hints)
    t.equal(text.includes('Stuck? h gives a hint.'), hints === 0)
  }
})

t.test('nothing of the last verdict stays while a check runs', async (t) => {
  const running = { startedAt: Date.now() - 9_500, expected: ['one', 'two', 'three'], isOver: false }
  const text = textOf({
    ...state,
    verdict: undefined,
    running: { ...running, checks: [{ sentence: 'one', state: 'passed' }], now: 'two' },
  })
  t.match(text, /✓ one\n▸ two \(9 s\)\n· three\n/)
  t.match(text, 'A loop without an end?')
  t.notMatch(text, 'It has the password.')
})

t.test('each page fits in 80 columns, and in 20', async (t) => {
  const broken = {
    path: `${chapter.folder}/exercise/sign-up.ts`,
    line: 12,
    column: 9,
    message: 'Type A is not B. '.repeat(9),
  }
  for (const page of ['exercise', 'list', 'solution', 'end'] as const)
    for (const columns of [80, 40, 20]) {
      const solution = { 'sign-up.ts': `${'const a = 1;'.repeat(20)}\n` }
      const lines = textOf({ ...state, page, hints: 3, solution, typeFaults: [broken] }, columns).split('\n')
      t.same(
        lines.filter((line) => line.length > columns),
        [],
        `${page} in ${columns}`,
      )
    }
})

t.test('the last page says what comes next', async (t) => {
  const text = textOf({ ...state, page: 'end', passed: new Set(chapters.map(({ number }) => number)) })
  t.match(text, 'All chapters are done.')
  t.match(text, /npm start[\s\S]*npm run dev[\s\S]*docs\/how-to\/add-auth-hash\.md/)
  t.match(text, '17 of 17 chapters done')
})

t.test('one goes on with the next that is open, and after the last from the beginning', async (t) => {
  const last = chapters.at(-1) as typeof chapter
  t.equal(nextOpen(state)?.number, '06')
  t.equal(nextOpen({ ...state, passed: new Set(['06']) })?.number, '07')
  t.equal(nextOpen({ ...state, chapter: last })?.number, '03')
  const others = new Set(chapters.filter((one) => one !== chapter).map(({ number }) => number))
  t.equal(nextOpen({ ...state, passed: others }), undefined)
})
