import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import diagnostics from 'node:diagnostics_channel'
import { readFile } from 'node:fs/promises'
import type { LightMyRequestResponse } from 'fastify'
import { chapter, type Hints } from '../../check/chapter.ts'
import { posts } from '../11-owners/solution/posts.ts'
import { buildApp } from '../app/app.ts'

const [ADA, BOB, EVE] = [1, 2, 3] as const
const AT_ONCE = 20

const HINTS = {
  sqlFails: [
    'The message comes from Postgres. Which line of `votes.sql` does it refer to?',
    'The tables `users` and `posts` each have an `id`. Separate columns with commas and statements with semicolons.',
    '`CREATE TABLE votes (user_id integer NOT NULL REFERENCES users, post_id integer NOT NULL REFERENCES posts, PRIMARY KEY (user_id, post_id));`',
  ],
  orphans: [
    'Insert a vote for a nonexistent post directly into the table, without your service. Does the table accept it?',
    'A foreign key makes Postgres reject such a vote. It also defines what happens when a post with votes is deleted.',
    '`post_id integer NOT NULL REFERENCES posts ON DELETE CASCADE`, and the same for `user_id`. Without ON DELETE CASCADE, a post with votes cannot be deleted.',
  ],
  keyTooSmall: [
    'Two users vote for one post, and one user votes for two posts. Which of these votes does your table reject?',
    'Neither column is unique by itself, but the pair is.',
    '`PRIMARY KEY (user_id, post_id)`, with both columns in it.',
  ],
  innerJoin: [
    'Request the list when a post has no votes yet. Does the list contain the post?',
    'An inner join keeps only posts that have a vote. A left join keeps all posts.',
    '`.leftJoin("votes", "votes.post_id", "posts.id")`',
  ],
  countStar: [
    'How many votes does your list show for a post that nobody has voted for?',
    'A LEFT JOIN keeps a post without votes as one row whose vote is NULL. Count votes, not rows.',
    '`count(votes.post_id)` skips NULL values, but `count(*)` doesn’t.',
  ],
} as const satisfies Record<string, Hints>

await chapter(import.meta.url, async ({ file, load, database, check, expectation, atEnd }) => {
  const { votes } = await load<typeof import('./solution/votes.ts')>('votes.ts', 'votes')
  const { url, knex } = await database({ tables: 'posts' })
  const secret = randomBytes(32).toString('base64url')
  const app = await buildApp({ databaseUrl: url, secret, maxConnections: AT_ONCE + 5 }, posts, votes)
  atEnd(() => app.close())
  await knex('users').insert(
    ['ada', 'bob', 'eve'].map((name) => ({ email: `${name}@example.com`, password: 'no hash' })),
  )

  const headersOf = (user: number) => ({ authorization: `Bearer ${app.issueToken({ id: user })}` })
  const castVote = (user: number, post_id: number) =>
    app.inject({ method: 'POST', url: '/vote', headers: headersOf(user), body: { post_id } })
  const vote = async (user: number, post_id: number): Promise<number> =>
    (await castVote(user, post_id)).statusCode
  const newPost = async (): Promise<number> => {
    const [post] = await knex('posts')
      .insert({ title: 'Tomatoes', content: 'They grow.', owner_id: ADA })
      .returning('id')
    return post.id
  }
  const stored = async (post_id: number): Promise<number> => (await knex('votes').where({ post_id })).length
  const listed = async (): Promise<{ id: number; votes: number }[]> =>
    (await app.inject({ url: '/posts', headers: headersOf(ADA) })).json()

  await check(
    'no-table',
    '`votes.sql` creates the table, and a vote is stored as a row',
    [
      'If the message comes from Postgres, which line of `votes.sql` does it refer to?',
      'The `votes` table needs a `user_id` and a `post_id`. An INSERT must not have to provide a value for any other column.',
      '`CREATE TABLE votes (user_id integer NOT NULL REFERENCES users ON DELETE CASCADE, post_id …);`',
    ],
    async () => {
      const sql = await readFile(file('votes.sql'), 'utf8')
      await expectation('sql-fails', HINTS.sqlFails, () =>
        knex.raw(sql).catch(({ message }: Error) => {
          // knex puts the whole SQL in front of what Postgres says.
          assert.fail(`Postgres rejected votes.sql: ${message.split(' - ').at(-1)}`)
        }),
      )
      const post = await newPost()
      assert.equal(await vote(ADA, post), 201, 'The first vote returned an unexpected status.')
      assert.equal(await stored(post), 1, 'After one vote, the table has an unexpected number of rows.')
      assert.equal(
        await vote(ADA, post + 1000),
        404,
        'A vote for a post that does not exist returned an unexpected status.',
      )
      await expectation('orphans', HINTS.orphans, async () => {
        const orphan = { user_id: ADA, post_id: post + 1000 }
        const error = await knex('votes')
          .insert(orphan)
          .then(
            () => undefined,
            ({ code }) => code,
          )
        assert.equal(error, '23503', 'The table accepts a vote for a post that does not exist.')
      })
    },
  )

  await check(
    'twice',
    'a second vote by the same user for the same post returns a 409, and any other vote returns a 201',
    [
      'Vote twice for the same post. Which rows does the table contain afterward?',
      'Make the pair of user and post the table’s primary key, and turn a conflict into a 409.',
      '`PRIMARY KEY (user_id, post_id)`, and `.insert(…).onConflict(["user_id", "post_id"]).ignore().returning("post_id")`. If the returned list is empty, reply with 409.',
    ],
    async () => {
      const post = await newPost()
      const responses = [await vote(ADA, post), await vote(ADA, post)]
      assert.deepEqual(responses, [201, 409], 'Two identical votes returned unexpected statuses.')
      assert.equal(
        await stored(post),
        1,
        'After two identical votes, the table has an unexpected number of rows.',
      )
      await expectation('key-too-small', HINTS.keyTooSmall, async () => {
        assert.equal(await vote(BOB, post), 201, 'Another user’s vote returned an unexpected status.')
        const another = await newPost()
        assert.equal(await vote(ADA, another), 201, 'A vote for another post returned an unexpected status.')
      })
    },
  )

  await check(
    'look-then-insert',
    `of ${AT_ONCE} identical votes at once, one returns a 201 and the others return a 409`,
    [
      'The check locks the table until all requests have looked for a vote, and then lets them insert. What did each request find?',
      'A SELECT before the INSERT guarantees nothing. Let the table enforce the rule: make the pair of user and post its primary key.',
      '`PRIMARY KEY (user_id, post_id)` in `votes.sql`; `.insert(vote).onConflict(["user_id", "post_id"]).ignore().returning("post_id")` then returns one row or none.',
    ],
    async () => {
      const post = await newPost()
      const gate = await knex.transaction()
      try {
        // Lets requests read, and makes those that write wait.
        await gate.raw('lock table votes in exclusive mode')
        let received = 0
        const sending = Array.from({ length: AT_ONCE }, () =>
          castVote(EVE, post).finally(() => {
            received += 1
          }),
        )
        for (let looks = 0; looks < 2_000 && received + (await waiting()) < AT_ONCE; looks += 1);
        await gate.commit()
        const responses = await Promise.all(sending)
        assert.deepEqual(
          counted(responses.map(({ statusCode }) => statusCode)),
          { 201: 1, 409: AT_ONCE - 1 },
          'The number of responses per status is unexpected.',
        )
        assert.equal(await stored(post), 1, 'After these votes, the table has an unexpected number of rows.')
        // A SELECT that decides sends its own 409 to a later vote, but concurrent votes get the error of the INSERT.
        const codeOfLater = codeOf(await castVote(EVE, post))
        for (const response of responses.filter(({ statusCode }) => statusCode === 409))
          assert.ok(
            codeOf(response) === codeOfLater,
            'A simultaneous vote and a later vote get different 409 responses, so your code must use a SELECT before the INSERT to reject the later one.',
          )
      } finally {
        if (!gate.isCompleted()) await gate.rollback()
      }
    },
  )

  await check(
    'wrong-count',
    'the list shows the right number of votes for each post: 0, 1 or 3',
    [
      'Create three posts with 0, 1 and 3 votes, and request the list. Which number is wrong?',
      'Join the posts with their votes, group the rows by post, and count the votes in each group.',
      '`.leftJoin("votes", "votes.post_id", "posts.id").select("posts.id", "posts.title", db.raw("count(votes.post_id)::int as votes")).groupBy("posts.id")`',
    ],
    async () => {
      await deletePosts()
      const posts = [await newPost(), await newPost(), await newPost()]
      const voters = [[], [BOB], [ADA, BOB, EVE]]
      for (const [index, post_id] of posts.entries()) {
        for (const user_id of voters[index] ?? []) await knex('votes').insert({ user_id, post_id })
      }
      const expected = posts.map((id, index) => ({ id, votes: voters[index]?.length }))
      const shown = (await listed()).map(({ id, votes }) => ({ id, votes }))
      await expectation('inner-join', HINTS.innerJoin, () =>
        assert.ok(
          shown.some(({ id }) => id === posts[0]) || !shown.some(({ id }) => id === posts[2]),
          'The list does not contain the post that has no votes.',
        ),
      )
      await expectation('count-star', HINTS.countStar, () =>
        assert.ok(
          shown.map(({ votes }) => votes).join() !== '1,1,3',
          'The list shows one vote for the post that has none.',
        ),
      )
      assert.deepEqual(shown, expected, 'The list shows unexpected posts or numbers of votes.')
    },
  )

  await check(
    'n-plus-one',
    'listing 20 posts takes the same number of statements as listing one',
    [
      'How many statements does your route send to list one post? How many does it send to list twenty?',
      'A statement inside a loop is sent once per post. Count the votes for all posts in one statement.',
      'Use LEFT JOIN and GROUP BY, or put `(select count(*)::int from votes where post_id = posts.id) as votes` in the SELECT.',
    ],
    async () => {
      await deletePosts()
      const counts: number[] = []
      for (const length of [1, 20]) {
        while ((await knex('posts')).length < length) await newPost()
        const statements: string[] = []
        const onQuery = (event: unknown) => void statements.push((event as { sql: string }).sql)
        diagnostics.subscribe('auth-primer:db-session:query', onQuery)
        const list = await listed()
        diagnostics.unsubscribe('auth-primer:db-session:query', onQuery)
        assert.equal(list.length, length, 'The list has an unexpected number of posts.')
        counts.push(statements.length)
      }
      const [one, twenty] = counts
      assert.equal(twenty, one, 'Listing 20 posts takes a different number of statements than listing one.')
    },
  )

  /** Deletes all posts and votes, also if the learner's table has no ON DELETE CASCADE. */
  async function deletePosts(): Promise<void> {
    await knex('votes').delete()
    await knex('posts').delete()
  }

  /** Returns the number of database sessions that wait for a lock. */
  async function waiting(): Promise<number> {
    const { rows } = await knex.raw(
      `select count(*)::int as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rows[0].waiting
  }
})

/** Returns the `code` in the body of a response: Fastify and db-session set one, most handlers do not. */
function codeOf(response: LightMyRequestResponse): unknown {
  return String(response.headers['content-type']).includes('json') ? response.json().code : undefined
}

function counted(statuses: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1
  return counts
}
