import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { compare } from '@auth-primer/auth-hash'
import { migrateToLatest } from '@auth-primer/migrations'
import { createTestDatabase } from '@auth-primer/tool-postgres/testing'
import type { Knex } from 'knex'
import t, { type Test } from 'tap'
import { serve } from '../../../test-support/social-api.ts'
import { createKnex } from '../platform/database.ts'
import { DEMO_PASSWORD, DEMO_POSTS, DEMO_USERS } from '../src/demo/data.ts'
import { seed } from '../src/demo/seed.ts'

t.test('every user, post and vote is put in, each vote with its post', async (t) => {
  const knex = await database(t)
  t.equal(await seed(knex), true)

  t.same(
    await knex('users').select('email', 'password', 'role', 'created_at').orderBy('id'),
    DEMO_USERS.map((user) => ({ ...user, created_at: new Date(user.created_at) })),
  )
  const posts = await knex('posts')
    .join('users', 'users.id', 'owner_id')
    .select('users.email as author', 'title', 'content', 'published', 'posts.created_at', {
      voters: knex.raw(
        'ARRAY(SELECT email FROM votes JOIN users voter ON voter.id = user_id WHERE post_id = posts.id ORDER BY email)',
      ),
    })
    .orderBy('posts.id')
  t.same(
    posts,
    DEMO_POSTS.map((post) => ({
      ...post,
      created_at: new Date(post.created_at),
      voters: [...post.voters].sort(),
    })),
  )
})

t.test('the rows are the same every time, ids, times and hashes included', async (t) => {
  const [one, other] = [await database(t), await database(t)]
  await seed(one)
  const before = await rows(one)
  t.same(await rows(other), { users: [], posts: [], votes: [] }, 'and nothing is there before')
  await seed(other)
  t.same(await rows(other), before)
})

t.test('a second seed changes nothing', async (t) => {
  const knex = await database(t)
  await seed(knex)
  await knex('posts').where({ id: 1 }).update({ title: 'mine now' })
  await knex('posts').where({ id: 2 }).delete()
  const before = await rows(knex)
  t.equal(await seed(knex), false)
  t.same(await rows(knex), before)
})

t.test('of two that seed at once, one does', async (t) => {
  const knex = await database(t)
  t.same((await Promise.all([seed(knex), seed(knex)])).sort(), [false, true])
  t.equal((await rows(knex)).users.length, DEMO_USERS.length)
})

t.test('a user with a demo e-mail in other letter case keeps the demo data out, whole', async (t) => {
  const knex = await database(t)
  const email = DEMO_USERS.at(-1)?.email.toUpperCase()
  await knex('users').insert({ email, password: 'somebody’s' })
  t.equal(await seed(knex), false)
  t.match(await rows(knex), {
    users: { length: 1, 0: { email } },
    posts: { length: 0 },
    votes: { length: 0 },
  })
})

t.test('other users do not keep it out, and stay as they are', async (t) => {
  const knex = await database(t)
  const [ann] = await knex('users').insert({ email: 'ann@example.com', password: 'x' }).returning('*')
  t.equal(await seed(knex), true)
  t.same(await knex('users').orderBy('id').first(), ann)
  t.equal((await rows(knex)).users.length, DEMO_USERS.length + 1)
})

t.test('each hash is of the demo password, and of no other', async (t) => {
  for (const { email, password } of DEMO_USERS) {
    t.match(password, /^\$2b\$12\$/)
    t.equal(await compare(DEMO_PASSWORD, password), true, email)
    t.equal(await compare(`${DEMO_PASSWORD}.`, password), false, email)
  }
  t.equal(new Set(DEMO_USERS.map(({ password }) => password)).size, DEMO_USERS.length, 'each salted anew')
})

t.test('what is in the demo data, the service itself would take', async (t) => {
  const { call } = await serve(t)
  const tokens = new Map<string, string>()
  for (const { email } of DEMO_USERS) {
    t.equal((await call('POST', '/users', { json: { email, password: DEMO_PASSWORD } })).status, 201, email)
    const { body } = await call('POST', '/login', { form: { username: email, password: DEMO_PASSWORD } })
    tokens.set(email, body.access_token)
  }
  for (const { author, title, content, published, voters } of DEMO_POSTS) {
    const json = { title, content, published }
    const { status, body: post } = await call('POST', '/posts', { token: tokens.get(author) as string, json })
    t.equal(status, 201, title)
    t.match(post, json, 'and keeps as it is')
    for (const voter of voters) {
      const vote = { token: tokens.get(voter) as string, json: { post_id: post.id, dir: 1 } }
      t.equal((await call('POST', '/vote', vote)).status, 201, `${voter} votes for ${title}`)
    }
  }
})

t.test('a demo user logs in, and reads what was put in', async (t) => {
  const { app, call } = await serve(t)
  await seed(app.knex)
  const username = DEMO_USERS[0]?.email as string
  t.equal((await call('POST', '/login', { form: { username, password: 'cucumbers in june' } })).status, 403)
  const login = await call('POST', '/login', { form: { username, password: DEMO_PASSWORD } })
  const list = await call('GET', '/posts?limit=100', { token: login.body.access_token })
  const visible = DEMO_POSTS.filter(({ published, author }) => published || author === username)
  t.same(
    list.body.map(({ Post, votes }: { Post: { title: string }; votes: number }) => [Post.title, votes]),
    visible.map(({ title, voters }) => [title, voters.length]),
  )
  t.ok(visible.length < DEMO_POSTS.length, 'and somebody else’s draft is among what was put in')
})

t.test('`npm run db:seed` puts it in once, says so, and never in production', async (t) => {
  const knex = await database(t)
  const { connectionString } = knex.client.config.connection
  const run = (NODE_ENV: string) => {
    const env = { PATH: process.env.PATH, DATABASE_URL: connectionString, NODE_ENV }
    const cli = resolve(import.meta.dirname, '../cli.ts')
    const ended = spawnSync(process.execPath, ['--import', 'tsx', cli, 'seed'], { env, encoding: 'utf8' })
    t.notOk(`${ended.stdout}${ended.stderr}`.includes(new URL(connectionString).password), 'no password')
    return ended
  }
  t.match(run('production'), { status: 1, stdout: '', stderr: /not in production/ })
  t.same(await knex('users'), [])
  t.match(run(''), { status: 0, stdout: /Log in as maya@example\.com/, stderr: '' })
  t.equal((await knex('users')).length, DEMO_USERS.length)
  t.match(run(''), { status: 0, stdout: /exist already; nothing was changed/ })
})

async function database(t: Test): Promise<Knex> {
  const { url, drop } = await createTestDatabase()
  const knex = createKnex(url, 4)
  t.teardown(async () => {
    await knex.destroy()
    await drop()
  })
  await migrateToLatest(knex)
  return knex
}

async function rows(knex: Knex) {
  return {
    users: await knex('users').orderBy('id'),
    posts: await knex('posts').orderBy('id'),
    votes: await knex('votes').orderBy(['post_id', 'user_id']),
  }
}
