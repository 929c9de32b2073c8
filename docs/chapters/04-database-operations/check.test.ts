import assert from 'node:assert/strict'
import { subscribe } from 'node:diagnostics_channel'
import { setTimeout as sleep } from 'node:timers/promises'
import type { QueryEvent } from '@auth-primer/db-session'
import knexModule from 'knex'
import { chapter } from '../../check/chapter.ts'

await chapter(import.meta.url, async ({ load, database, claim, atEnd }) => {
  const { buildApp } = await load<typeof import('./solution/app.ts')>('app.ts')
  const { knex, url } = await database()
  const pool = knexModule({
    client: 'pg',
    connection: url,
    pool: { min: 0, max: 5 },
    acquireConnectionTimeout: 2_000,
  })
  const app = await buildApp(pool)
  // A connection that nobody returns would keep the pool from closing.
  atEnd(() => Promise.race([app.close().then(() => pool.destroy()), sleep(3_000, undefined, { ref: false })]))

  /** What was sent in sessions. */
  const sent: string[] = []
  for (const kind of ['begin', 'query', 'commit', 'rollback'])
    subscribe(`auth-primer:db-session:${kind}`, (event) => {
      sent.push((event as QueryEvent).sql.toUpperCase())
    })
  /** `BEGIN, INSERT, COMMIT` */
  const verbs = () => sent.map((sql) => /\w+/.exec(sql)?.[0]).join(', ') || 'nothing'
  const signUp = async (email: string, title: string) => {
    sent.length = 0
    return app.inject({ method: 'POST', url: '/users', payload: { email, title } })
  }
  const isStored = async (email: string) => (await knex('users').where({ email })).length > 0

  await claim(
    'past-the-session',
    'a sign-up is a session: BEGIN, two INSERTs, COMMIT',
    [
      'Step 1 shows what is to be sent. Which object do you send it through: the pool, or the session of this request?',
      '`request.db` is the session. It begins with its first statement, and ends with your answer.',
      "`const [user] = await request.db('users').insert({ email }).returning('id')`, and so with `posts`.",
    ],
    async () => {
      const { statusCode, body } = await signUp('ada@example.com', 'Tomatoes')
      assert.ok(statusCode === 201, `A sign-up was answered with ${statusCode}, not with 201: ${body}`)
      const posts = await knex('posts').join('users', 'users.id', 'owner_id').select('email', 'title')
      assert.deepEqual(posts, [{ email: 'ada@example.com', title: 'Tomatoes' }], 'These posts are stored.')
      assert.equal(sent.join().split('INSERT INTO').length - 1, 2, `The session sent ${verbs()}.`)
      assert.match(verbs(), /^BEGIN, .*COMMIT$/, 'The session sent this.')
    },
  )

  await claim(
    'early-commit',
    'an error that is thrown undoes all of it: ROLLBACK',
    [
      'The second INSERT fails. What has become of the first one by then?',
      'One COMMIT, at the end, stores both. Who commits earlier cannot take it back.',
      'Leave `commit()` away: the session does it when you answer below 400. Do not begin a transaction of your own.',
    ],
    async () => {
      await knex.raw("ALTER TABLE posts ADD CHECK (title <> 'refused by the table')")
      const { statusCode } = await signUp('bob@example.com', 'refused by the table')
      assert.ok(statusCode >= 400, `The INSERT failed, and the answer was ${statusCode}.`)
      assert.ok(!(await isStored('bob@example.com')), 'Bob is stored, and his post is not.')
      assert.match(verbs(), /ROLLBACK$/, 'The session sent this.')
    },
  )

  await claim(
    'no-status',
    'a 409 that is returned does, too',
    [
      'Ada has a post “Tomatoes”. Sign up with the same title: which status comes, and who is stored?',
      'The status decides: below 400 the session is stored, from 400 on it is undone.',
      'Where the INSERT with `.onConflict(…).ignore()` gives no row: `return reply.code(409).send({ … })`.',
    ],
    async () => {
      const { statusCode } = await signUp('eve@example.com', 'Tomatoes')
      assert.ok(
        !(await isStored('eve@example.com')),
        `The answer was ${statusCode}. Eve is stored, her post is not.`,
      )
      assert.ok(statusCode === 409, `A title that is taken was answered with ${statusCode}, not with 409.`)
      assert.match(verbs(), /ROLLBACK$/, 'The session sent this.')
    },
  )

  await claim(
    'connection-kept',
    'afterwards no connection is held, also when 15 come at once to a pool of 5',
    [
      'Who takes connections beside the session, and who gives them back on each of the three ways out?',
      'The session gives its connection back by itself. What you take from the pool, you have to give back.',
      'Send everything through `request.db`: no `knex.transaction()`, no `acquireConnection()`.',
    ],
    async () => {
      const titleOf = (n: number) => [`Cucumbers ${n}`, 'Tomatoes', 'refused by the table'][n % 3] as string
      await Promise.all(Array.from({ length: 15 }, (_, n) => signUp(`${n}@example.com`, titleOf(n))))
      const { client } = pool
      for (let n = 0; n < 200 && client.pool.numUsed() > 0; n += 1) await sleep(10)
      assert.equal(client.pool.numUsed(), 0, 'So many connections are still held.')
    },
  )
})
