import { expectStatus, Failure, need, type Stage } from '../check.ts'
import { countVotes, PATHS, type Subject, unusedId } from '../subject.ts'

export const votes: Stage = {
  number: '15',
  slug: 'votes',
  title: 'Users vote for posts',
  checks: [
    {
      id: 'vote-counted',
      title: 'a vote is stored, and the post shows its number of votes',
      hints: [
        'Vote for a post, and request the post. Where is the number of votes?',
        'POST /vote inserts a row, and GET /posts/{id} counts the rows for the post.',
        'SQL: `LEFT JOIN votes … GROUP BY posts.id` with `count(votes.post_id)`. A post without votes has 0.',
      ],
      async run(subject) {
        const [ada, bob] = [await subject.author('ada'), await subject.account('bob')]
        const { id } = await subject.needPost({}, ada.token)
        await expectVotes(subject, id, 0)
        expectStatus(await subject.vote(ada.token, id), 201, 200, 204)
        await expectVotes(subject, id, 1)
        expectStatus(await subject.vote(bob.token, id), 201, 200, 204)
        await expectVotes(subject, id, 2)
      },
    },
    {
      id: 'vote-twice',
      title: 'a second vote by the same user is rejected',
      hints: [
        'Vote twice for the same post. What status do you get, and how many votes does the post have?',
        'Make the pair of user and post the table’s primary key.',
        'SQL: `PRIMARY KEY (user_id, post_id)`, and `ON CONFLICT DO NOTHING`. If no row was inserted, send a 409.',
      ],
      async run(subject) {
        const { token } = await subject.author('ada')
        const id = await needVote(subject, token)
        expectStatus(await subject.vote(token, id), 409, 400, 403, 422)
        await expectVotes(subject, id, 1)
      },
    },
    {
      id: 'vote-taken-back',
      title: 'a vote with `dir` 0 takes the vote back, and a second one finds no vote',
      hints: [
        'Send `{ "post_id": …, "dir": 0 }` after a vote. How many votes does the post have?',
        'Delete the row for this user and post. If there was none, send a 404.',
        'SQL: `DELETE FROM votes WHERE user_id = $1 AND post_id = $2`.',
      ],
      async run(subject) {
        const { token } = await subject.author('ada')
        const id = await needVote(subject, token)
        expectStatus(await subject.vote(token, id, 0), 200, 201, 204)
        await expectVotes(subject, id, 0)
        expectStatus(await subject.vote(token, id, 0), 404, 409, 400)
      },
    },
    {
      id: 'vote-without-post',
      title: 'a vote for a post that does not exist returns a 404',
      hints: [
        'Vote for an ID that no post has. What status do you get?',
        'A foreign key rejects the row. Look for the post first, or turn the error into a 404.',
        'Postgres reports SQLSTATE 23503.',
      ],
      async run(subject) {
        const { token } = await subject.author('ada')
        const id = await needVote(subject, token)
        expectStatus(await subject.vote(token, unusedId(id)), 404, 410)
      },
    },
    {
      id: 'vote-without-token',
      title: 'a vote needs a token',
      hints: [
        'Vote without the `Authorization` header. What status do you get?',
        'POST /vote needs the same token check as the routes for posts.',
        'The ID of the voter comes from the token, never from the body.',
      ],
      async run(subject) {
        const { token } = await subject.author('ada')
        await needVote(subject, token)
        const { id } = await subject.needPost({}, token)
        expectStatus(
          await subject.request('POST', PATHS.vote, { json: { post_id: id, dir: 1 } }),
          401,
          403,
          400,
        )
      },
    },
    {
      id: 'votes-at-once',
      title: 'of ten identical votes at the same time, one counts and the others are rejected',
      hints: [
        'Two requests look for a vote at the same time, and both find none. What happens next?',
        'A SELECT before the INSERT guarantees nothing. Only a unique constraint does. Its error must not become a 500.',
        'SQL: `INSERT … ON CONFLICT DO NOTHING RETURNING post_id`. If it returns a row, send a 201. Otherwise, send a 409.',
      ],
      async run(subject) {
        const { token } = await subject.author('ada')
        const id = await needVote(subject, token)
        await need('a server that rejects the second of two votes', async () =>
          expectStatus(await subject.vote(token, id), 409, 400, 403, 422),
        )
        // a race is not lost every time
        for (let round = 0; round < 5; round++) await voteAtOnce(subject, token)
      },
    },
  ],
}

/** Votes for a new post, and returns its ID, for a check that builds on a vote that counts. */
function needVote(subject: Subject, token: string): Promise<string | number> {
  return need('a vote that is counted', async () => {
    const { id } = await subject.needPost({}, token)
    expectStatus(await subject.vote(token, id), 201, 200, 204)
    await expectVotes(subject, id, 1)
    return id
  })
}

async function voteAtOnce(subject: Subject, token: string): Promise<void> {
  const { id } = await subject.needPost({}, token)
  const votes = [
    subject.vote(token, id),
    ...Array.from({ length: 9 }, () => subject.vote(token, id)),
  ] as const
  const [vote, ...others] = await Promise.all(votes)
  const statuses = [vote, ...others].map(({ status }) => status)
  const stored = statuses.filter((status) => status < 300).length
  const refused = statuses.filter((status) => [409, 400, 403, 422].includes(status)).length
  if (stored !== 1 || refused !== 9)
    throw new Failure('one success and nine 409s for ten votes', [...statuses].sort().join(', '), vote.sent)
  await expectVotes(subject, id, 1)
}

async function expectVotes(subject: Subject, id: string | number, expected: number): Promise<void> {
  const { token } = await subject.account('ada')
  const received = expectStatus(await subject.getPost({ id }, token), 200)
  const count = countVotes(received)
  if (count !== expected)
    throw new Failure(`a vote count of ${expected}`, `a vote count of ${count}`, received.sent)
}
