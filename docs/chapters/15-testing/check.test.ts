import assert from 'node:assert/strict'
import { chapter, type Hints } from '../../check/chapter.ts'
import { addUsers } from './open-app.ts'
import { runTests, type TestRun } from './run-tests.ts'

const SEEDED = {
  anyoneDeletes: 'seeded/anyone-deletes.ts',
  always500: 'seeded/always-500.ts',
  showsDrafts: 'seeded/shows-drafts.ts',
  notStored: 'seeded/not-stored.ts',
}
const APPS = ['app.ts', ...Object.values(SEEDED)]

const HINTS = {
  cannotRun: [
    'The message says why the file can’t be run. Is the cause an import, or a line outside the tests?',
    'Run it yourself: `npm run learn -- run 15 exercise/posts.test.ts`.',
    "The original exercise begins with `import { openApp } from '../open-app.ts'` and `const { app, ada } = await openApp()`.",
  ],
  noTests: [
    'How many of your tests run? Tests that are skipped or marked `todo` don’t.',
    'Remove `skip`, `todo` and `only`, and call `test` for each rule.',
    "`test('a post is listed', () => withRollback(app, async () => { … }))`",
  ],
  notClosed: [
    'After the last test, the process keeps running. What is still open?',
    'Each app holds database connections until it’s closed.',
    'Write `after(() => app.close())` at the top of the file.',
  ],
} as const satisfies Record<string, Hints>

await chapter(import.meta.url, async ({ file, database, check, expectation, atEnd }) => {
  const posts = file('posts.test.ts')
  const open = async () => {
    const opened = await database({ tables: 'posts' })
    const users = await addUsers(opened.knex)
    // A test must not assume the id of the next row.
    await opened.knex.raw("SELECT setval('posts_id_seq', 100)")
    return { ...opened, users }
  }
  /** Starts the tests in a new database. */
  const start = (apps: readonly string[], only: readonly string[] = []) => {
    const opening = open()
    const { runs, end } = runTests(posts, { apps, databaseUrl: opening.then(({ url }) => url), only })
    atEnd(end)
    return { opening, runs }
  }

  const failing = ({ tests }: TestRun) => tests.filter(({ passed }) => !passed).map(({ name }) => name)
  /** Returns the tests that fail if the first one does not run. */
  const failWithoutFirst = async ({ tests }: TestRun) => {
    const top = Math.min(...tests.map(({ nesting }) => nesting))
    const [, ...others] = tests.filter(({ nesting }) => nesting === top).map(({ name }) => name)
    const failed: string[] = []
    if (others.length === 0) return failed
    for await (const run of start(['app.ts'], others).runs) failed.push(...failing(run))
    return failed
  }

  const { opening, runs: running } = start(APPS)
  const { knex, users } = await opening
  const runs: TestRun[] = []
  let withoutFirst: Promise<string[]> | undefined
  let rowsLeft = 0
  for await (const run of running) {
    runs.push(run)
    // Runs beside the other apps, because loading Fastify takes longer than the tests.
    if (run.app === 'app.ts') {
      withoutFirst = failWithoutFirst(run)
      withoutFirst.catch(() => {})
    }
    const left = await knex('posts').delete()
    const others = await knex('users').whereNotIn('id', users).delete()
    if (run.app === 'app.ts') rowsLeft = left + others
  }
  const [right] = runs as [TestRun, ...TestRun[]]

  await check(
    'fails-on-the-right-code',
    'the tests run, and they pass on the correct app',
    [
      'Run the tests yourself: `npm run learn -- run 15 exercise/posts.test.ts`. Which one fails? If none of them fails, one of them relies on a particular row ID.',
      'Test only the rules that the README lists. Take the `id` from the response to the POST, because you can’t predict the next ID.',
      'Go back to the one test that the exercise started with, and add one test at a time.',
    ],
    async () => {
      const { passed, tests, error } = right
      assert.deepEqual(failing(right), [], 'These tests fail even though the app follows the rules.')
      await expectation('cannot-run', HINTS.cannotRun, () =>
        assert.ok(passed, `The tests cannot be run: ${summarize(error)}`),
      )
      await expectation('no-tests', HINTS.noTests, () => assert.ok(tests.length > 0, 'No test ran.'))
      await expectation('not-closed', HINTS.notClosed, () =>
        assert.ok(runs.at(-1)?.closed, 'The process did not end after the last test.'),
      )
    },
  )

  await check(
    'leaves-rows',
    'they leave no rows behind',
    [
      'Which request is outside `withRollback`, so its rows remain in the database?',
      'Have each test create what it needs, inside `withRollback`. A `before` hook runs outside it.',
      'Move the setup into a function, and call it in each test: `withRollback(app, async () => { const url = await post(…) … })`.',
    ],
    () =>
      assert.equal(
        rowsLeft,
        0,
        'After the tests, the tables contain users or posts that the tests left behind.',
      ),
  )

  await check(
    'asserts-nothing',
    'they fail if every response is a 500',
    [
      'What would have to happen for your tests to fail?',
      'There’s always a response, even if it’s a 500. Check its status and its body.',
      '`assert.equal(response.statusCode, 201)`, then `assert.deepEqual(response.json(), …)`.',
    ],
    () =>
      assert.ok(
        !passes(SEEDED.always500),
        `All tests pass on ${SEEDED.always500}, which replies to every request with a 500.`,
      ),
  )

  await check(
    'leans-on-another',
    'they pass even without the first test',
    [
      'Which row does the failing test use without having created it?',
      'Have each test create the posts that it needs, even if the previous test created the same ones.',
      'Write a function that all tests call: `const url = await post(…)`, inside `withRollback`.',
    ],
    async () =>
      assert.deepEqual(
        await withoutFirst,
        [],
        'These tests pass when the first one runs before them, but fail without it.',
      ),
  )

  await catches('happy-path', 'a DELETE that does not check the owner', SEEDED.anyoneDeletes, [
    'Which users send requests in your tests? Does one of them try something that’s not allowed?',
    'Have Bob try to delete one of Ada’s posts. Check the response, and check whether the post still exists.',
    "`app.inject({ method: 'DELETE', url, headers: bob })` must return a 403.",
  ])

  await catches('drafts-not-looked-for', 'a list that contains other users’ drafts', SEEDED.showsDrafts, [
    'Does any of your tests store a draft and then request the list as another user?',
    'As Ada, store an unpublished post, and check the list that Bob gets.',
    "`payload: { title: 'Not yet', content: '…', published: false }`, then `GET /posts` with `headers: bob` returns `[]`.",
  ])

  await catches('believes-the-answer', 'a PUT that stores nothing', SEEDED.notStored, [
    'The response to the PUT looks right. Does it prove that the change was stored?',
    'Read the post again with another request, as in step 2.',
    "After the PUT, `(await app.inject({ url: '/posts', headers: ada })).json()` must contain the new title.",
  ])

  function passes(app: string): boolean {
    return runs.find((run) => run.app === app)?.passed ?? false
  }

  async function catches(mistake: string, bug: string, app: string, hints: Hints) {
    await check(mistake, `they detect ${bug}`, hints, () =>
      assert.ok(!passes(app), `All tests pass on ${app}, which has that bug.`),
    )
  }
})

/** Returns the lines of an error that say what it is, without its stack. */
function summarize(error: string): string {
  const lines = error.split('\n').map((line) => line.trim())
  return lines
    .filter((line) => line && !line.startsWith('at '))
    .slice(0, 4)
    .join(' ')
}
