import assert from 'node:assert/strict'
import { subscribe } from 'node:diagnostics_channel'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { QueryEvent } from '@auth-primer/db-session'
import { chapter } from '../../check/chapter.ts'

const TITLES = await readFile(new URL('titles.sql', import.meta.url), 'utf8')
const MAX_CONNECTIONS = 5

await chapter(import.meta.url, async ({ load, database, check, expectation, atEnd }) => {
  const { buildApp } = await load<typeof import('./solution/app.ts')>('app.ts', 'buildApp')
  const { knex, url } = await database({ tables: 'posts' })
  await knex.raw(TITLES)
  // The IDs of users and posts differ, and so do those of the first user and of the one who signs up.
  await knex('users').insert({ email: 'admin@example.com', password: '!' })
  const app = await buildApp({ databaseUrl: url, maxConnections: MAX_CONNECTIONS })
  // A connection that is not returned keeps the pool from closing.
  atEnd(() => Promise.race([app.close(), sleep(100, undefined, { ref: false })]))

  /** The statements that sessions sent. */
  const sent: string[] = []
  for (const kind of ['begin', 'query', 'commit', 'rollback'])
    subscribe(`auth-primer:db-session:${kind}`, (event) => {
      sent.push((event as QueryEvent).sql.toUpperCase())
    })
  /** Returns the statements' verbs: `BEGIN, INSERT, COMMIT`. */
  const verbs = () => sent.map((sql) => /\w+/.exec(sql)?.[0]).join(', ') || 'nothing'
  const signUp = async (email: string, title: string) => {
    sent.length = 0
    return app.inject({ method: 'POST', url: '/users', payload: { email, title, content: 'Mulch them.' } })
  }
  const isStored = async (email: string) => (await knex('users').where({ email })).length > 0

  await check(
    'past-the-session',
    'a sign-up runs in one session: BEGIN, two INSERTs, COMMIT',
    [
      'Step 1 shows the statements to send. What do you send them with: the pool or this request’s session?',
      '`request.db` is the session. It begins with its first statement and ends with your response.',
      "`const [user] = await request.db('users').insert({ … }).returning('id')`, and the same for `posts`.",
    ],
    async () => {
      const { statusCode, body } = await signUp('ada@example.com', 'Tomatoes')
      await expectation(
        'no-returning',
        [
          'What value does the INSERT for the post use as `owner_id`? Print it.',
          'The database creates the new user’s ID. An INSERT returns it only if you ask for it.',
          "`const [user] = await db('users').insert({ … }).returning('id')`: the result is a list with one row.",
        ],
        () =>
          assert.ok(
            !body.includes('23502'),
            'A NOT NULL column did not get a value. Does the INSERT for the user return the ID, with `.returning("id")`?',
          ),
      )
      assert.ok(statusCode === 201, `A sign-up must return 201. It returned ${statusCode}: ${body}`)
      assert.ok(
        await isStored('ada@example.com'),
        'After a sign-up with status 201, the table `users` has no new row.',
      )
      await expectation(
        'not-awaited',
        [
          'The user is stored, but the post is not. Is the INSERT for the post sent at all?',
          'knex sends a query only when you await it. A query that is not awaited is never sent, and you don’t get an error.',
          "`await db('posts').insert({ … })`",
        ],
        async () =>
          assert.equal(
            (await knex('posts')).length,
            1,
            'After one sign-up, the table `posts` must have one row.',
          ),
      )
      await expectation(
        'wrong-owner',
        [
          'Who owns the new post? Compare its `owner_id` with the new user’s `id`.',
          'The post belongs to the user who signs up. Use the ID that the first INSERT returned.',
          "`db('posts').insert({ owner_id: user.id, title: body.title, content: body.content })`",
        ],
        async () =>
          assert.deepEqual(
            await knex('posts').join('users', 'users.id', 'owner_id').select('email', 'title', 'content'),
            [{ email: 'ada@example.com', title: 'Tomatoes', content: 'Mulch them.' }],
            'The post must belong to the new user and have the title and content from the request.',
          ),
      )
      const count = sent.join().split('INSERT INTO').length - 1
      if (count === 0) {
        await signUp('zoe@example.com', 'Tomatoes')
        const isAtomic = !(await isStored('zoe@example.com'))
        if (isAtomic)
          await expectation(
            'own-transaction',
            [
              'Your transaction stores both rows or neither. When does it end: before or after the response is built?',
              'If serializing the response fails, your transaction has already committed. Also, other code that uses `request.db` is not part of your transaction.',
              'Send both INSERTs with `request.db`. The session already has a transaction, so you don’t need `knex.transaction()`.',
            ],
            () => assert.fail('Your own transaction stored the rows. The request’s session sent nothing.'),
          )
      }
      assert.equal(count, 2, `The session must send two INSERTs. It sent: ${verbs()}.`)
      assert.match(
        verbs(),
        /^BEGIN, .*COMMIT$/,
        `The session must begin with BEGIN and end with COMMIT. It sent: ${verbs()}.`,
      )
    },
  )

  await check(
    'early-commit',
    'if an INSERT throws, everything is undone: ROLLBACK',
    [
      'The second INSERT fails. Has the first one already been committed?',
      'One COMMIT at the end stores both. An earlier COMMIT cannot be undone.',
      'Remove `commit()`: the session commits if the status is below 400. Do not start your own transaction.',
    ],
    async () => {
      await knex.raw("ALTER TABLE posts ADD CHECK (title <> 'refused by the table')")
      const { statusCode } = await signUp('bob@example.com', 'refused by the table')
      assert.ok(
        statusCode >= 400,
        `The INSERT failed, so the status must be 400 or higher. It was ${statusCode}.`,
      )
      assert.ok(
        !(await isStored('bob@example.com')),
        'The INSERT for the post failed, but the user was stored.',
      )
      assert.match(verbs(), /ROLLBACK$/, `The session must end with ROLLBACK. It sent: ${verbs()}.`)
    },
  )

  await check(
    'no-status',
    'if the handler returns a 409, everything is undone, too',
    [
      'Ada has a post called “Tomatoes”. Sign up with the same title. What status do you get, and is the user stored?',
      'The status decides. Below 400, the session commits. At 400 or higher, it rolls back.',
      'If the INSERT with `.onConflict(…).ignore()` returns no row, respond with `return reply.code(409).send({ … })`.',
    ],
    async () => {
      const { statusCode, body } = await signUp('eve@example.com', 'Tomatoes')
      assert.ok(
        !(await isStored('eve@example.com')),
        `The title was taken and the status was ${statusCode}, but the user was stored without a post.`,
      )
      await expectation(
        'other-status',
        [
          'Nothing was stored. What does the client learn from your status?',
          '400 says that the request is malformed, and 500 says that the server has a bug. 409 Conflict says that the request conflicts with stored data.',
          "`return reply.code(409).send({ detail: 'A post with this title exists already.' })`",
        ],
        () =>
          assert.ok(
            statusCode === 409,
            `A sign-up with a title that is taken must return 409. It returned ${statusCode}: ${body}`,
          ),
      )
      assert.match(verbs(), /ROLLBACK$/, `The session must end with ROLLBACK. It sent: ${verbs()}.`)
    },
  )

  await check(
    'connection-kept',
    `every connection returns to the pool, even if 15 requests share a pool of ${MAX_CONNECTIONS}`,
    [
      'Does your code take connections from the pool itself? Does it return them after a success, a 409 and an error?',
      'The session returns its own connection. You have to return any other connection that you take from the pool.',
      'Send everything through `request.db`. Don’t use `knex.transaction()` or `acquireConnection()`.',
    ],
    async () => {
      const titleFor = (n: number) => [`Cucumbers ${n}`, 'Tomatoes', 'refused by the table'][n % 3] as string
      const all = Promise.all(
        Array.from({ length: 15 }, (_, n) => signUp(`${n}@example.com`, titleFor(n))),
      ).then((responses) => responses.map(({ statusCode }) => statusCode))
      const statuses = await Promise.race([all, sleep(4_000, [], { ref: false })])
      assert.deepEqual(
        [...statuses].sort(),
        [201, 201, 201, 201, 201, ...Array(10).fill(409)],
        'Of 15 simultaneous sign-ups, 5 must return 201, and the 10 with a bad title must return 409. A request that finds no free connection returns 503.',
      )
      const { rows } = await knex.raw(
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
      )
      assert.equal(rows.length, 0, 'Some connections are still in a transaction after the last response.')
    },
  )
})
