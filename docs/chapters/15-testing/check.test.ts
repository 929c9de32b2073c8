import assert from 'node:assert/strict'
import { chapter, type Hints } from '../../check/chapter.ts'
import { runTests } from './run-tests.ts'

await chapter(import.meta.url, async ({ file, database, check }) => {
  const { url, knex } = await database()
  const run = (app: string, only: readonly string[] = []) =>
    runTests(file('posts.test.ts'), { app, databaseUrl: url, only })
  /** Returns true if all tests pass on an app with a bug. Runs them once per app. */
  const passes = async (app: string) => {
    const passed = tried.get(app) ?? (await run(app)).passed
    tried.set(app, passed)
    return passed
  }
  const tried = new Map<string, boolean>()
  const rows = async () => [await knex('users').orderBy('id'), await knex('posts').orderBy('id')]
  const before = await rows()
  // A test must not assume the id of the next row.
  await knex.raw("SELECT setval('posts_id_seq', 100)")
  let names: string[] = []

  await check(
    'fails-on-the-right-code',
    'the tests run, and pass on the correct app',
    [
      'Run the tests yourself: `npm run learn -- run 15 exercise/posts.test.ts`. Which one fails? If none does, one of them assumes the id of a row.',
      'Test only the rules that the README lists. Take the `id` from the response to the POST, because you cannot know the next one.',
      'Go back to the one test that the exercise started with, and add one test at a time.',
    ],
    async () => {
      const { passed, tests, errors } = await run('app.ts')
      const failed = tests.filter((test) => !test.passed).map(({ name }) => name)
      assert.deepEqual(failed, [], 'These tests fail, although the app follows the rules.')
      assert.ok(passed, `The tests cannot be run: ${errors.trim().split('\n').slice(0, 6).join(' ')}`)
      assert.ok(tests.length > 0, 'No test ran.')
      const top = Math.min(...tests.map(({ nesting }) => nesting))
      names = tests.filter(({ nesting }) => nesting === top).map(({ name }) => name)
    },
  )

  await check(
    'leaves-rows',
    'they leave no rows behind',
    [
      'Which request is outside of `withRollback`, so its rows stay?',
      'Let each test make what it needs, inside of `withRollback`. A `before` hook runs outside.',
      'Move the setup into a function, and call it in each test: `withRollback(app, async () => { const url = await post(…) … })`.',
    ],
    async () =>
      assert.deepEqual(await rows(), before, 'After the tests, the tables have other users or posts.'),
  )

  await check(
    'asserts-nothing',
    'they fail if every response is a 500',
    [
      'What would have to happen for your tests to fail?',
      'There is always a response, even if it is a 500. Check its status and its body.',
      '`assert.equal(response.statusCode, 201)`, then `assert.deepEqual(response.json(), …)`.',
    ],
    async () => {
      const isPassed = (await passes('seeded/anyone-deletes.ts')) && (await passes('seeded/always-500.ts'))
      assert.ok(
        !isPassed,
        'All tests pass on seeded/always-500.ts, which replies to every request with a 500.',
      )
    },
  )

  await check(
    'leans-on-another',
    'they pass without the first one',
    [
      'Which row does the failing test use that it did not make itself?',
      'Let each test make the posts that it needs, even if the test before made the same ones.',
      'Write a function that all tests call: `const url = await post(…)`, within `withRollback`.',
    ],
    async () => {
      const [, ...others] = names
      if (others.length === 0) return
      const { tests } = await run('app.ts', others)
      const failed = tests.filter((test) => !test.passed).map(({ name }) => name)
      assert.deepEqual(failed, [], 'These tests pass after the first one, but fail without it.')
    },
  )

  await catches('happy-path', 'a DELETE that does not check the owner', 'seeded/anyone-deletes.ts', [
    'Which users send requests in your tests? Is one of them not allowed to?',
    'Let Bob try to delete a post of Ada. Check the response, and whether the post still exists.',
    "`app.inject({ method: 'DELETE', url, headers: { user: '2' } })` is a 403.",
  ])

  await catches('drafts-not-looked-for', 'a list that contains drafts', 'seeded/shows-drafts.ts', [
    'Does any of your tests store a draft?',
    'Store a post that is not published, and check the list.',
    "`payload: { title: 'Not yet', published: false }`, then `GET /posts` returns `[]`.",
  ])

  await catches('believes-the-answer', 'a PUT that stores nothing', 'seeded/not-stored.ts', [
    'The response to the PUT looks right. Does it prove that the post was stored?',
    'Read the post again with another request, as in step 2.',
    "After the PUT: `(await app.inject('/posts')).json()` has the new title.",
  ])

  async function catches(mistake: string, bug: string, app: string, hints: Hints) {
    await check(mistake, `they detect ${bug}`, hints, async () =>
      assert.ok(!(await passes(app)), `All tests pass on ${app}, which has that bug.`),
    )
  }
})
