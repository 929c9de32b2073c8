import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { compare } from '@auth-primer/auth-hash'
import t from 'tap'
import { serve, truncateTables } from '../../../test-support/social-api.ts'
import { DEMO_PASSWORD, DEMO_POSTS, DEMO_USERS } from '../src/demo/data.ts'
import { seed } from '../src/demo/seed.ts'

const { app, call } = await serve(t)
const { knex } = app
t.beforeEach(() => truncateTables(knex))

t.test('seed() inserts every user, post and vote', async (t) => {
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

t.test('seed() inserts the same rows each time, including ids, times and hashes', async (t) => {
  await seed(knex)
  const before = await rows()
  await truncateTables(knex)
  t.same(await rows(), { users: [], posts: [], votes: [] }, 'empty in between')
  await seed(knex)
  t.same(await rows(), before)
})

t.test('a second seed() changes nothing', async (t) => {
  await seed(knex)
  await knex('posts').where({ id: 1 }).update({ title: 'mine now' })
  await knex('posts').where({ id: 2 }).delete()
  const before = await rows()
  t.equal(await seed(knex), false)
  t.same(await rows(), before)
})

t.test('only one of two simultaneous seed() calls inserts the demo data', async (t) => {
  t.same((await Promise.all([seed(knex), seed(knex)])).sort(), [false, true])
  t.equal((await rows()).users.length, DEMO_USERS.length)
})

t.test('seed() inserts nothing if a user has a demo email, in any letter case', async (t) => {
  const email = DEMO_USERS.at(-1)?.email.toUpperCase()
  await knex('users').insert({ email, password: 'another password' })
  t.equal(await seed(knex), false)
  t.match(await rows(), {
    users: { length: 1, 0: { email } },
    posts: { length: 0 },
    votes: { length: 0 },
  })
})

t.test('seed() adds the demo data next to other users, and does not change them', async (t) => {
  const [ann] = await knex('users').insert({ email: 'ann@example.com', password: 'x' }).returning('*')
  t.equal(await seed(knex), true)
  t.same(await knex('users').orderBy('id').first(), ann)
  t.equal((await rows()).users.length, DEMO_USERS.length + 1)
})

t.test('each hash matches the demo password, and no other', async (t) => {
  for (const { email, password } of DEMO_USERS) {
    t.match(password, /^\$2b\$12\$/)
    t.equal(await compare(DEMO_PASSWORD, password), true, email)
  }
  t.equal(await compare(`${DEMO_PASSWORD}.`, DEMO_USERS[0]?.password as string), false)
  t.equal(
    new Set(DEMO_USERS.map(({ password }) => password)).size,
    DEMO_USERS.length,
    'each with its own salt',
  )
})

t.test('the service accepts all of the demo data as input', async (t) => {
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
    t.match(post, json, 'stored unchanged')
    for (const voter of voters) {
      const vote = { token: tokens.get(voter) as string, json: { post_id: post.id, dir: 1 } }
      t.equal((await call('POST', '/vote', vote)).status, 201, `${voter} votes for ${title}`)
    }
  }
})

t.test('a demo user can log in, and read the demo posts', async (t) => {
  await seed(knex)
  const username = DEMO_USERS[0]?.email as string
  t.equal((await call('POST', '/login', { form: { username, password: 'cucumbers in june' } })).status, 403)
  const login = await call('POST', '/login', { form: { username, password: DEMO_PASSWORD } })
  const list = await call('GET', '/posts?limit=100', { token: login.body.access_token })
  const visible = DEMO_POSTS.filter(({ published, author }) => published || author === username)
  t.same(
    list.body.map(({ Post, votes }: { Post: { title: string }; votes: number }) => [Post.title, votes]),
    visible.map(({ title, voters }) => [title, voters.length]),
  )
  t.ok(visible.length < DEMO_POSTS.length, 'the drafts of others are not visible')
})

t.test('`npm run db:seed` inserts the demo data once, and never in production', async (t) => {
  const { connectionString } = knex.client.config.connection
  const run = (NODE_ENV: string) => {
    const env = { PATH: process.env.PATH, DATABASE_URL: connectionString, NODE_ENV }
    const cli = resolve(import.meta.dirname, '../cli.ts')
    const ended = spawnSync(process.execPath, ['--import', 'tsx', cli, 'seed'], { env, encoding: 'utf8' })
    t.notOk(`${ended.stdout}${ended.stderr}`.includes(new URL(connectionString).password), 'no password')
    return ended
  }
  t.match(run('production'), { status: 1, stdout: '', stderr: /not for production/ })
  t.same(await knex('users'), [])
  t.match(run(''), { status: 0, stdout: /Log in as maya@example\.com/, stderr: '' })
  t.equal((await knex('users')).length, DEMO_USERS.length)
  t.match(run(''), { status: 0, stdout: /exist already; nothing was changed/ })
})

async function rows() {
  return {
    users: await knex('users').orderBy('id'),
    posts: await knex('posts').orderBy('id'),
    votes: await knex('votes').orderBy(['post_id', 'user_id']),
  }
}
