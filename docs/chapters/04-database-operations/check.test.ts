import assert from 'node:assert/strict'
import { subscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import type { QueryEvent } from '@auth-primer/db-session'
import knexModule from 'knex'
import { chapter } from '../../check/chapter.ts'

await chapter(import.meta.url, async ({ load, database, check, atEnd }) => {
  const { buildApp } = await load<typeof import('./solution/app.ts')>('app.ts')
  const { knex, url } = await database()
  const pool = knexModule({
    client: 'pg',
    connection: url,
    pool: { min: 0, max: 5 },
    acquireConnectionTimeout: 2_000,
  })
  const app = await buildApp(pool)
  // A connection that is not returned keeps the pool from closing.
  atEnd(() => Promise.race([app.close().then(() => pool.destroy()), sleep(3_000, undefined, { ref: false })]))

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
    return app.inject({ method: 'POST', url: '/users', payload: { email, title } })
  }
  const isStored = async (email: string) => (await knex('users').where({ email })).length > 0

  await check(
    'past-the-session',
    'a sign-up runs in one session: BEGIN, two INSERTs, COMMIT',
    [
      'Step 1 shows the statements to send. What do you send them with: the pool, or the session of this request?',
      '`request.db` is the session. It begins with its first statement and ends with your response.',
      "`const [user] = await request.db('users').insert({ email }).returning('id')`, and the same for `posts`.",
    ],
    async () => {
      const { statusCode, body } = await signUp('ada@example.com', 'Tomatoes')
      assert.ok(
        !body.includes('23502'),
        'A column that is NOT NULL got no value. Does the INSERT of the user return its id, with `.returning("id")`?',
      )
      assert.ok(statusCode === 201, `A sign-up must return 201. It returned ${statusCode}: ${body}`)
      const posts = await knex('posts').join('users', 'users.id', 'owner_id').select('email', 'title')
      assert.deepEqual(
        posts,
        [{ email: 'ada@example.com', title: 'Tomatoes' }],
        'After one sign-up, the tables must have this post with its owner.',
      )
      assert.equal(
        sent.join().split('INSERT INTO').length - 1,
        2,
        `The session must send two INSERTs. It sent: ${verbs()}.`,
      )
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
      'The second INSERT fails. Is the first one stored by then?',
      'One COMMIT at the end stores both. An earlier COMMIT cannot be undone.',
      'Remove `commit()`: the session commits if the status is below 400. Do not begin a transaction of your own.',
    ],
    async () => {
      await knex.raw("ALTER TABLE posts ADD CHECK (title <> 'refused by the table')")
      const { statusCode } = await signUp('bob@example.com', 'refused by the table')
      assert.ok(
        statusCode >= 400,
        `The INSERT failed, so the status must be 400 or above. It was ${statusCode}.`,
      )
      assert.ok(
        !(await isStored('bob@example.com')),
        'The INSERT of the post failed, but the user was stored.',
      )
      assert.match(verbs(), /ROLLBACK$/, `The session must end with ROLLBACK. It sent: ${verbs()}.`)
    },
  )

  await check(
    'no-status',
    'if the handler returns a 409, everything is undone, too',
    [
      'Ada has a post “Tomatoes”. Sign up with the same title. Which status do you get, and is the user stored?',
      'The status decides: below 400 the session commits, from 400 it rolls back.',
      'If the INSERT with `.onConflict(…).ignore()` returns no row: `return reply.code(409).send({ … })`.',
    ],
    async () => {
      const { statusCode } = await signUp('eve@example.com', 'Tomatoes')
      assert.ok(
        !(await isStored('eve@example.com')),
        `The title was taken and the status was ${statusCode}, but the user was stored without a post.`,
      )
      assert.ok(statusCode === 409, `A title that is taken must return 409. It returned ${statusCode}.`)
      assert.match(verbs(), /ROLLBACK$/, `The session must end with ROLLBACK. It sent: ${verbs()}.`)
    },
  )

  await check(
    'connection-kept',
    'every connection is returned, even if 15 requests share a pool of 5',
    [
      'Does your code take connections itself? Are they returned after a success, a 409 and an error?',
      'The session returns its connection. Anything else that you take from the pool, you have to return.',
      'Send everything through `request.db`: no `knex.transaction()`, no `acquireConnection()`.',
    ],
    async () => {
      const titleOf = (n: number) => [`Cucumbers ${n}`, 'Tomatoes', 'refused by the table'][n % 3] as string
      await Promise.all(Array.from({ length: 15 }, (_, n) => signUp(`${n}@example.com`, titleOf(n))))
      const { client } = pool
      for (let n = 0; n < 200 && client.pool.numUsed() > 0; n += 1) await sleep(10)
      assert.equal(client.pool.numUsed(), 0, 'Some connections were not returned to the pool.')
    },
  )
})
