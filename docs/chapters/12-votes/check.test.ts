import assert from 'node:assert/strict'
import diagnostics from 'node:diagnostics_channel'
import { readFile } from 'node:fs/promises'
import { chapter } from '../../check/chapter.ts'
import { buildApp, tokenOf } from './app.ts'

const [ADA, BOB, EVE] = [1, 2, 3] as const
const AT_ONCE = 20

await chapter(import.meta.url, async ({ file, load, database, claim, atEnd }) => {
  const { votes } = await load<typeof import('./solution/votes.ts')>('votes.ts')
  const { url, knex } = await database()
  const app = await buildApp(url, votes)
  atEnd(() => app.close())

  const headersOf = (user: number) => ({ authorization: `Bearer ${tokenOf(user)}` })
  const vote = async (user: number, post_id: number): Promise<number> => {
    const answer = await app.inject({
      method: 'POST',
      url: '/vote',
      headers: headersOf(user),
      body: { post_id },
    })
    return answer.statusCode
  }
  const newPost = async (): Promise<number> => {
    const [post] = await knex('posts').insert({ title: 'Tomatoes' }).returning('id')
    return post.id
  }
  const stored = async (post_id: number): Promise<number> => (await knex('votes').where({ post_id })).length
  const listed = async (): Promise<{ id: number; votes: number }[]> =>
    (await app.inject({ url: '/posts', headers: headersOf(ADA) })).json()

  await claim(
    'no-table',
    '`votes.sql` makes a table, and a vote is a row in it',
    [
      'The message is Postgres’s own. Which line of `votes.sql` does it mean?',
      'The table `votes` needs a `user_id` and a `post_id`, and no column that has to be given beside them.',
      '`CREATE TABLE votes (user_id integer NOT NULL REFERENCES users ON DELETE CASCADE, post_id …);`',
    ],
    async () => {
      await knex.raw(await readFile(file('votes.sql'), 'utf8'))
      const post = await newPost()
      assert.equal(await vote(ADA, post), 201, 'The first vote is answered so.')
      assert.equal(await stored(post), 1, 'So many rows are stored after one vote.')
      assert.equal(await vote(ADA, post + 1000), 404, 'A vote for a post that is not there is answered so.')
    },
  )

  await claim(
    'twice',
    'a second vote is a 409 and counts once; another user’s, and one for another post, is a 201',
    [
      'Vote twice: what is in the table then?',
      'Make user and post together the key of the table, and do not let the broken key become a 500.',
      '`PRIMARY KEY (user_id, post_id)`, and `.insert(…).onConflict(["user_id", "post_id"]).ignore().returning("post_id")`: an empty list is a 409.',
    ],
    async () => {
      const post = await newPost()
      const answers = [await vote(ADA, post), await vote(ADA, post)]
      assert.deepEqual(answers, [201, 409], 'Two votes of one user for one post are answered so.')
      assert.equal(await stored(post), 1, 'So many rows are stored after two votes of one user.')
      assert.equal(await vote(BOB, post), 201, 'Another user’s vote is answered so.')
      assert.equal(await vote(ADA, await newPost()), 201, 'A vote for another post is answered so.')
    },
  )

  await claim(
    'look-then-insert',
    `${AT_ONCE} votes at once are one 201 and ${AT_ONCE - 1} times 409`,
    [
      'The check holds the table until all of them have looked, and then lets them insert. What did each find?',
      'A look before the INSERT decides nothing. Let the table decide: user and post together are its key.',
      '`PRIMARY KEY (user_id, post_id)` in `votes.sql`; `.insert(vote).onConflict(["user_id", "post_id"]).ignore().returning("post_id")` then answers with one row, or with none.',
    ],
    async () => {
      const post = await newPost()
      const gate = await knex.transaction()
      try {
        // Who reads goes through, who writes waits.
        await gate.raw('lock table votes in exclusive mode')
        let answered = 0
        const answering = Array.from({ length: AT_ONCE }, () =>
          vote(EVE, post).finally(() => {
            answered += 1
          }),
        )
        for (let looks = 0; looks < 2_000 && answered + (await waiting()) < AT_ONCE; looks += 1);
        await gate.commit()
        const answers = (await Promise.all(answering)).sort()
        assert.deepEqual(counted(answers), { 201: 1, 409: AT_ONCE - 1 }, 'So often came each status.')
        assert.equal(await stored(post), 1, 'So many rows are stored.')
      } finally {
        if (!gate.isCompleted()) await gate.rollback()
      }
    },
  )

  await claim(
    'count-star',
    'each post has its count: 0 where nobody voted, and 3 where three did',
    [
      'Ask for the list when one post has no vote, one has one and one has three. Which number is off?',
      'A LEFT JOIN keeps a post without votes, as one row whose vote is NULL. Count votes, not rows.',
      '`count(votes.post_id)` leaves NULL out, `count(*)` does not: `.leftJoin("votes", "votes.post_id", "posts.id").groupBy("posts.id")`.',
    ],
    async () => {
      await knex('posts').delete()
      const posts = [await newPost(), await newPost(), await newPost()]
      const voters = [[], [BOB], [ADA, BOB, EVE]]
      for (const [index, post_id] of posts.entries()) {
        for (const user_id of voters[index] ?? []) await knex('votes').insert({ user_id, post_id })
      }
      const expected = posts.map((id, index) => ({ id, votes: voters[index]?.length }))
      const shown = (await listed()).map(({ id, votes }) => ({ id, votes }))
      assert.deepEqual(shown, expected, 'The list shows these.')
    },
  )

  await claim(
    'n-plus-one',
    'a list of 20 posts takes as many statements as a list of one',
    [
      'How many statements does your list send for one post, and how many for twenty?',
      'A statement inside a loop is sent once a turn. Have one statement count for all posts.',
      'LEFT JOIN and GROUP BY, or `(select count(*)::int from votes where post_id = posts.id) as votes` in the SELECT.',
    ],
    async () => {
      await knex('posts').delete()
      const counts: number[] = []
      for (const length of [1, 20]) {
        while ((await knex('posts')).length < length) await newPost()
        const statements: string[] = []
        const onQuery = (event: unknown) => void statements.push((event as { sql: string }).sql)
        diagnostics.subscribe('auth-primer:db-session:query', onQuery)
        const list = await listed()
        diagnostics.unsubscribe('auth-primer:db-session:query', onQuery)
        assert.equal(list.length, length, 'So many posts are in the list.')
        counts.push(statements.length)
      }
      const [one, twenty] = counts
      assert.equal(twenty, one, 'So many statements are sent for 20 posts; as many as for one are expected.')
    },
  )

  /** How many sessions of this database wait for another's lock. */
  async function waiting(): Promise<number> {
    const { rows } = await knex.raw(
      `select count(*)::int as waiting from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return rows[0].waiting
  }
})

function counted(statuses: readonly number[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1
  return counts
}
