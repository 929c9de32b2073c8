import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { findChapter, readChapters } from '../../src/chapters.ts'
import { readTask } from '../../src/exercise.ts'
import type { Check } from '../../src/report.ts'
import type { Tools } from '../../src/watch/checking.ts'
import { viewFoot } from '../../src/watch/foot.ts'
import { Session } from '../../src/watch/session.ts'
import { findNextOpen, INITIAL, type State } from '../../src/watch/state.ts'
import { viewPage } from '../../src/watch/view.ts'

const chapters = await readChapters()
const chapter = await findChapter('05').then(({ number }) => chapters.find((one) => one.number === number))
if (!chapter) throw new Error('There is no chapter 05')

const state: State = {
  ...INITIAL,
  ...{ chapters, chapter, passed: new Set(['01', '02']), task: await readTask(chapter), checksOnSave: true },
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
const renderText = (state: State, columns = 80) =>
  [...viewPage(state, columns).flatMap(({ lines }) => lines), ...viewFoot(state, columns)]
    .map(stripVTControlCharacters)
    .join('\n')

t.test('the page shows the task, the finding and the output', async (t) => {
  const text = renderText(state)
  t.match(
    text,
    'Open `exercise/sign-up.ts` and write `signUp`. Hash the password, insert the\nrow, and return the three properties that `UserOut` lists.\n',
  )
  t.match(text, 'Read  docs/chapters/05-creating-users/README.md\n')
  t.match(text, 'Write docs/chapters/05-creating-users/exercise/sign-up.ts\n')
  t.match(
    text,
    "✗ the table has a hash\n· two hashes differ\nIt has the password.\n  expected: '$2b$…'\n  actual:   'tomatoes'",
  )
  t.match(text, 'It printed:\n│ hello\n')
  t.match(text, `2 of ${chapters.length} chapters done`)
})

t.test('the page shows as many hints as requested', async (t) => {
  for (const hints of [0, 1, 2, 3]) {
    const text = renderText({ ...state, hints, hintsFor: 'plain' })
    t.equal(text.match(/^Hint \d of 3: /gm)?.length ?? 0, hints)
    t.equal(text.includes('Stuck? Press h for a hint.'), hints === 0)
  }
})

/** A check that has been running for this long. */
function running(seconds: number, checks: Check[] = [{ sentence: 'one', state: 'passed' }]): State {
  const two = { sentence: 'two', mistake: 'slow', hints: ['Look at two.', 'Do it.', '`two()`'] }
  return {
    ...state,
    verdict: undefined,
    running: {
      since: Date.now() - seconds * 1_000 - 500,
      expected: ['one', 'two', 'three'],
      report: { checks, running: two, hasEnded: false },
    },
  }
}

t.test('while a check runs, the page shows it with its time, and nothing of the last verdict', async (t) => {
  const text = renderText(running(9))
  t.match(text, /✓ one\n▸ two \(9 s\)\n· three\n/)
  t.match(text, 'Waiting for “two”: 9 s so far. Save a change or press r to start again.')
  t.notMatch(text, 'It has the password.')
  t.notMatch(text, /loop/, 'a slow machine is not called an endless loop')
  t.notMatch(renderText(running(2)), 'Waiting for')
})

t.test(
  'h while a check runs says what it waits for, and shows the hints of a check that takes long',
  async (t) => {
    const press = (seconds: number) => {
      const session = new Session(running(seconds), {} as Tools, () => {})
      session.set(running(seconds))
      session.hint()
      return { text: renderText(session.state), session }
    }
    const soon = press(1)
    t.match(
      soon.text.replaceAll('\n', ' '),
      /Waiting for “two”: 1 s so far\. .* You can get hints when a check fails/,
    )
    t.notMatch(soon.text, 'Look at two.')
    const late = press(9)
    t.match(late.text, 'Hint 1 of 3: Look at two.')
    late.session.set({ running: undefined, verdict: state.verdict })
    t.notMatch(renderText(late.session.state), 'Hint', 'another check starts without its hints')
  },
)

t.test('each page fits in 80, 40 and 20 columns', async (t) => {
  const broken = {
    path: `${chapter.folder}/exercise/sign-up.ts`,
    line: 12,
    column: 9,
    message: 'Type A is not B. '.repeat(9),
  }
  for (const page of ['exercise', 'list', 'solution', 'end'] as const)
    for (const columns of [80, 40, 20]) {
      const solution = { 'sign-up.ts': `${'const a = 1;'.repeat(20)}\n` }
      const lines = renderText(
        { ...state, page, hints: 3, hintsFor: 'plain', solution, typeProblems: [broken] },
        columns,
      ).split('\n')
      t.same(
        lines.filter((line) => line.length > columns),
        [],
        `${page} in ${columns}`,
      )
    }
})

t.test('the last page shows what comes next', async (t) => {
  const text = renderText({ ...state, page: 'end', passed: new Set(chapters.map(({ number }) => number)) })
  t.match(text, 'All chapters are done.')
  t.match(text, /npm start[\s\S]*npm run dev[\s\S]*docs\/how-to\/add-auth-hash\.md/)
  t.match(text, `${chapters.length} of ${chapters.length} chapters done`)
})

t.test('the next chapter is the next open one, and after the last one the first open one', async (t) => {
  const last = chapters.at(-1) as typeof chapter
  const [next, afterNext] = chapters.slice(chapters.indexOf(chapter) + 1)
  t.equal(findNextOpen(state), next)
  t.equal(findNextOpen({ ...state, passed: new Set([`${next?.number}`]) }), afterNext)
  t.equal(findNextOpen({ ...state, chapter: last })?.number, '03')
  const others = new Set(chapters.filter((one) => one !== chapter).map(({ number }) => number))
  t.equal(findNextOpen({ ...state, passed: others }), undefined)
})
