import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'

t.test('the course’s flow: sign up, log in, write, read, search, edit, delete, vote', async (t) => {
  const { call } = await serve(t)

  const created = await call('POST', '/users/', {
    json: { email: 'hello123@gmail.com', password: 'password123' },
  })
  t.equal(created.status, 201)
  t.match(created.body, { id: 1, email: 'hello123@gmail.com' })
  t.same(Object.keys(created.body), ['id', 'email', 'created_at'], 'and no password')

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
  t.same(notFound.body, [], 'case counts')

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
})

t.test(
  'logs in with a form or with JSON, and says the same of a wrong e-mail and a wrong password',
  async (t) => {
    const { call, signUp } = await serve(t)
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
    const wrongEmail = await call('POST', '/login', { form: { ...right, username: 'wrongemail@gmail.com' } })
    t.equal(wrongPassword.status, 403)
    t.equal(wrongEmail.status, 403)
    t.same({ ...wrongEmail.body, instance: '' }, { ...wrongPassword.body, instance: '' })

    t.equal((await call('POST', '/login', { form: { password: 'password123' } })).status, 422)
    t.equal((await call('POST', '/login', { form: { username: 'sanjeev@gmail.com' } })).status, 422)
  },
)

t.test('every route with a token answers 401 without one, whatever else is wrong', async (t) => {
  const { call } = await serve(t)
  for (const [method, path] of [
    ['GET', '/posts/'],
    ['POST', '/posts/'],
    ['GET', '/posts/1'],
    ['PUT', '/posts/1'],
    ['DELETE', '/posts/nonsense'],
    ['POST', '/vote/'],
    ['GET', '/users/1'],
    ['GET', '/users/me'],
  ] as const) {
    const { status, body, headers } = await call(method, path)
    t.match({ status, code: body.code }, { status: 401, code: 'NOT_AUTHENTICATED' }, `${method} ${path}`)
    t.equal(headers.get('www-authenticate'), 'Bearer')
  }
})

t.test('a post is edited and deleted by its owner, and by nobody else', async (t) => {
  const { call, signUp } = await serve(t)
  const [ann, bob] = [await signUp('ann@example.com'), await signUp('bob@example.com')]
  const json = { title: 'a', content: 'b' }
  const { body: post } = await call('POST', '/posts', { token: ann.token, json })

  const path = `/posts/${post.id}`
  for (const method of ['PUT', 'DELETE']) {
    const refused = await call(method, path, { token: bob.token, ...(method === 'PUT' && { json }) })
    t.match(refused, { status: 403, body: { code: 'NOT_OWNER' } })
    const missing = await call(method, '/posts/8000000', {
      token: bob.token,
      ...(method === 'PUT' && { json }),
    })
    t.match(missing, { status: 404, body: { code: 'NOT_FOUND' } })
  }
  t.match((await call('GET', path, { token: bob.token })).body, { Post: { ...json } }, 'and it is as it was')
  t.equal((await call('DELETE', path, { token: ann.token })).status, 204)
})

t.test('an admin edits and deletes any published post', async (t) => {
  const { app, call, signUp } = await serve(t)
  const [ann, admin] = [await signUp('ann@example.com'), await signUp('admin@example.com')]
  await app.knex('users').where({ id: admin.id }).update({ role: 'admin' })
  const json = { title: 'a', content: 'b' }
  const { body: open } = await call('POST', '/posts', { token: ann.token, json })
  const { body: draft } = await call('POST', '/posts', {
    token: ann.token,
    json: { ...json, published: false },
  })

  const edited = await call('PUT', `/posts/${open.id}`, {
    token: admin.token,
    json: { ...json, title: 'mended' },
  })
  t.match(edited, { status: 200, body: { title: 'mended', owner_id: ann.id, owner: { id: ann.id } } })
  t.equal((await call('DELETE', `/posts/${open.id}`, { token: admin.token })).status, 204)
  t.equal((await call('DELETE', `/posts/${draft.id}`, { token: admin.token })).status, 404)
})

t.test('an unpublished post is its owner’s alone', async (t) => {
  const { call, signUp } = await serve(t)
  const [ann, bob] = [await signUp('ann@example.com'), await signUp('bob@example.com')]
  const json = { title: 'draft', content: 'b', published: false }
  const { body: post } = await call('POST', '/posts', { token: ann.token, json })
  const path = `/posts/${post.id}`

  t.equal((await call('GET', path, { token: ann.token })).status, 200)
  t.equal((await call('GET', '/posts', { token: ann.token })).body.length, 1)
  t.equal((await call('GET', path, { token: bob.token })).status, 404)
  t.same((await call('GET', '/posts', { token: bob.token })).body, [])
  t.equal((await call('PUT', path, { token: bob.token, json })).status, 404)
  t.equal((await call('DELETE', path, { token: bob.token })).status, 404)
  t.equal((await call('POST', '/vote', { token: bob.token, json: { post_id: post.id, dir: 1 } })).status, 404)
})

t.test('a vote is given once and taken back once', async (t) => {
  const { call, signUp } = await serve(t)
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

t.test('a list is ordered by id, and paged', async (t) => {
  const { call, signUp } = await serve(t)
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
