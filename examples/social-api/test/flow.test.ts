import t from 'tap'
import { serve, truncateTables } from '../../../test-support/social-api.ts'

const twenty = Array.from({ length: 20 }, (_, index) => index)

t.test('the course’s requests work, also if many are simultaneous', async (t) => {
  const { app, call, signUp } = await serve(t, { poolMax: 20 })
  t.beforeEach(() => truncateTables(app.knex))

  t.test(
    'as in the course, a user signs up, logs in, writes, reads, searches, edits, votes for and deletes a post',
    async (t) => {
      const created = await call('POST', '/users/', {
        json: { email: 'hello123@gmail.com', password: 'password123' },
      })
      t.equal(created.status, 201)
      t.match(created.body, { id: 1, email: 'hello123@gmail.com' })
      t.same(Object.keys(created.body), ['id', 'email', 'created_at'], 'no password')

      const again = await call('POST', '/users/', {
        json: { email: 'HELLO123@gmail.com', password: 'password123' },
      })
      t.equal(again.status, 409)
      t.equal(again.body.code, 'EMAIL_TAKEN')

      const form = { username: 'hello123@gmail.com', password: 'password123' }
      const login = await call('POST', '/login', { form })
      t.equal(login.status, 200)
      t.match(login.body, { token_type: 'bearer', expires_in: 1800, access_token: String })
      const token: string = login.body.access_token

      const post = { title: 'first title', content: 'first content' }
      const written = await call('POST', '/posts/', { token, json: post })
      t.equal(written.status, 201)
      t.match(written.body, {
        ...post,
        published: true,
        id: 1,
        owner_id: 1,
        owner: { id: 1, email: form.username },
      })

      const list = await call('GET', '/posts/', { token })
      t.equal(list.status, 200)
      t.same(list.body, [{ Post: written.body, votes: 0 }])

      const found = await call('GET', '/posts?search=first', { token })
      t.equal(found.body.length, 1)
      const notFound = await call('GET', '/posts?search=First', { token })
      t.same(notFound.body, [], 'the search is case-sensitive')

      const voted = await call('POST', '/vote/', { token, json: { post_id: 1, dir: 1 } })
      t.equal(voted.status, 201)
      t.type(voted.body.message, 'string')
      t.equal((await call('GET', '/posts/1', { token })).body.votes, 1)

      const edited = await call('PUT', '/posts/1', {
        token,
        json: { title: 'updated title', content: 'c', id: 99 },
      })
      t.equal(edited.status, 200)
      t.match(edited.body, { title: 'updated title', content: 'c', id: 1, owner: { email: form.username } })

      const deleted = await call('DELETE', '/posts/1', { token })
      t.equal(deleted.status, 204)
      t.equal(deleted.body, '')
      t.equal((await call('GET', '/posts/1', { token })).status, 404)
    },
  )

  t.test(
    'a login takes a form or JSON, and a wrong email gets the same response as a wrong password',
    async (t) => {
      await signUp('sanjeev@gmail.com')
      const right = { username: 'Sanjeev@Gmail.com', password: 'a good password' }
      t.equal(
        (await call('POST', '/login', { form: { ...right, grant_type: 'password', scope: '' } })).status,
        200,
      )
      t.equal((await call('POST', '/login', { json: right })).status, 200)
      t.equal(
        (await call('POST', '/login', { form: right, headers: { authorization: 'Bearer x' } })).status,
        200,
      )

      const wrongPassword = await call('POST', '/login', { form: { ...right, password: 'wrongpassword' } })
      const wrongEmail = await call('POST', '/login', {
        form: { ...right, username: 'wrongemail@gmail.com' },
      })
      t.equal(wrongPassword.status, 403)
      t.equal(wrongEmail.status, 403)
      t.same({ ...wrongEmail.body, instance: '' }, { ...wrongPassword.body, instance: '' })

      t.equal((await call('POST', '/login', { form: { password: 'password123' } })).status, 422)
      t.equal((await call('POST', '/login', { form: { username: 'sanjeev@gmail.com' } })).status, 422)
    },
  )

  t.test('a vote can be cast once and withdrawn once', async (t) => {
    const { token } = await signUp('ann@example.com')
    const { body: post } = await call('POST', '/posts', { token, json: { title: 'a', content: 'b' } })
    const vote = (dir: number, post_id = post.id) => call('POST', '/vote', { token, json: { post_id, dir } })

    t.match(await vote(0), { status: 404, body: { code: 'NOT_FOUND' } })
    t.equal((await vote(1)).status, 201)
    t.match(await vote(1), { status: 409, body: { code: 'ALREADY_VOTED' } })
    t.equal((await vote(0)).status, 201)
    t.equal((await vote(0)).status, 404)
    t.equal((await vote(1, 80_000)).status, 404)
  })

  t.test('a list is ordered by id, and can be paged and searched', async (t) => {
    const { token } = await signUp('ann@example.com')
    for (const title of ['one', 'two', 'three', '100% _a\\b']) {
      await call('POST', '/posts', { token, json: { title, content: '.' } })
    }
    const titles = async (query: string) =>
      (await call('GET', `/posts?${query}`, { token })).body.map(
        ({ Post }: { Post: { title: string } }) => Post.title,
      )

    t.same(await titles('limit=2'), ['one', 'two'])
    t.same(await titles('limit=2&skip=2'), ['three', '100% _a\\b'])
    t.same(await titles('skip=2147483647'), [])
    t.same(await titles('search=t'), ['two', 'three'])
    for (const wildcard of ['%25', '_', '%5C']) t.same(await titles(`search=${wildcard}`), ['100% _a\\b'])
  })

  t.test('only one of twenty simultaneous sign-ups with one email succeeds', async (t) => {
    const responses = await Promise.all(
      twenty.map((n) =>
        call('POST', '/users', {
          json: { email: n % 2 ? 'ann@example.com' : 'ANN@example.com', password: 'password123' },
        }),
      ),
    )
    const statuses = responses.map(({ status }) => status)
    t.same(statuses.sort(), [201, ...twenty.slice(1).map(() => 409)])
    t.equal((await app.knex('users')).length, 1)
  })

  t.test('only one of twenty simultaneous votes of one user is counted', async (t) => {
    const { token } = await signUp('ann@example.com')
    const { body: post } = await call('POST', '/posts', { token, json: { title: 'a', content: 'b' } })
    const json = { post_id: post.id, dir: 1 }
    const responses = await Promise.all(twenty.map(() => call('POST', '/vote', { token, json })))
    t.same(responses.map(({ status }) => status).sort(), [201, ...twenty.slice(1).map(() => 409)])
    t.equal((await app.knex('votes')).length, 1)
  })

  t.test('no vote remains for a post that is deleted at the same time', async (t) => {
    const owner = await signUp('owner@example.com')
    const voters = await Promise.all([1, 2, 3].map((n) => signUp(`voter${n}@example.com`)))
    for (let round = 0; round < 10; round++) {
      const { body: post } = await call('POST', '/posts', {
        token: owner.token,
        json: { title: 'a', content: 'b' },
      })
      const responses = await Promise.all([
        ...voters.map(({ token }) => call('POST', '/vote', { token, json: { post_id: post.id, dir: 1 } })),
        call('DELETE', `/posts/${post.id}`, { token: owner.token }),
      ])
      t.same(
        responses.filter(({ status }) => ![201, 204, 404].includes(status)),
        [],
      )
    }
    t.same(await app.knex('votes'), [])
  })
})
