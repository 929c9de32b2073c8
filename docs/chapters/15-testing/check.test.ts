import assert from 'node:assert/strict'
import { chapter, type Hints } from '../../check/chapter.ts'
import { runTests } from './run-tests.ts'

await chapter(import.meta.url, async ({ file, database, claim }) => {
  const { url, knex } = await database()
  const run = (app: string, only: readonly string[] = []) =>
    runTests(file('posts.test.ts'), { app, databaseUrl: url, only })
  const rows = async () => [await knex('users').orderBy('id'), await knex('posts').orderBy('id')]
  const before = await rows()
  let names: string[] = []

  await claim(
    'fails-on-the-right-code',
    'the tests run, and pass on the right code',
    [
      'Run them by yourself: `npm run learn -- run 15 exercise/posts.test.ts`. Which one fails?',
      'A test asks for what the rules in the README say, no more. The app is not the one that is wrong here.',
      'Go back to the one test that the exercise came with, and add one at a time.',
    ],
    async () => {
      const { passed, tests, errors } = await run('app.ts')
      const failed = tests.filter((test) => !test.passed).map(({ name }) => name)
      assert.deepEqual(failed, [], 'These fail, though the app does what the rules say.')
      assert.ok(passed, `They cannot be run: ${errors.trim().split('\n').slice(0, 6).join(' ')}`)
      assert.ok(tests.length > 0, 'No test has run.')
      names = tests.filter(({ nesting }) => nesting === 0).map(({ name }) => name)
    },
  )

  await claim(
    'leaves-rows',
    'they leave no row behind',
    [
      'Which statement is stored, because it is not within `withRollback`?',
      'What a test needs is made by that test, within. A `before` hook runs outside.',
      'Make a function of it, and call it in each test: `withRollback(app, async () => { const url = await post(…) … })`.',
    ],
    async () => assert.deepEqual(await rows(), before, 'These are the users and the posts afterwards.'),
  )

  await claim(
    'asserts-nothing',
    'they fail where every answer is a 500',
    [
      'What would have to happen for your tests to fail?',
      'An answer is always there, be it a 500. Look at its status, and at what is in it.',
      '`assert.equal(answer.statusCode, 201)`, then `assert.deepEqual(answer.json(), …)`.',
    ],
    async () => assert.ok(!(await run('seeded/always-500.ts')).passed, 'All of them pass.'),
  )

  await claim(
    'leans-on-another',
    'none of them needs another one, or a fresh database',
    [
      'What has that test not made itself? A row of another test, or the number that a row is going to have?',
      'Numbers are not given back when a row is undone. Take the `id` from the answer to the POST.',
      "`const { id } = stored.json()`, and then `'/posts/' + id`.",
    ],
    async () => {
      const parts = names.length > 1 ? [names.slice(0, 1), names.slice(1)] : [[]]
      for (const only of parts) {
        const { tests } = await run('app.ts', only)
        const failed = tests.filter((test) => !test.passed).map(({ name }) => name)
        assert.deepEqual(
          failed,
          [],
          'They passed at first. On the same database, the first one apart from the others, these fail.',
        )
      }
    },
  )

  await catches('happy-path', 'a DELETE that asks nobody whose post it is', 'seeded/anyone-deletes.ts', [
    'Who is asking in your tests? Is there anybody who must not?',
    'Let Bob delete a post of Ada’s. Look at the answer, and whether the post is still there.',
    "`app.inject({ method: 'DELETE', url, headers: { user: '2' } })` is a 403.",
  ])

  await catches('drafts-not-looked-for', 'a list with drafts in it', 'seeded/shows-drafts.ts', [
    'Is there a draft in any of your tests?',
    'Store a post that is not published, and look at what is listed.',
    "`payload: { title: 'Not yet', published: false }`, then `/posts` answers `[]`.",
  ])

  await catches('believes-the-answer', 'a PUT that stores nothing', 'seeded/not-stored.ts', [
    'The answer to the PUT is as it should be. Who says that it is true?',
    'Read it again, by a request of its own: step 2.',
    "After the PUT: `(await app.inject('/posts')).json()` has the new title.",
  ])

  async function catches(mistake: string, bug: string, app: string, hints: Hints) {
    await claim(mistake, `they notice ${bug}`, hints, async () =>
      assert.ok(!(await run(app)).passed, `All of them pass on ${app}.`),
    )
  }
})
