import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'

const post = { title: 'a', content: 'b' }
const user = { email: 'new@example.com', password: 'password123' }

t.test('a value that is not as described is a 422 that says where', async (t) => {
  const { app, call, signUp } = await serve(t)
  const { token } = await signUp('ann@example.com')
  const counts = () => Promise.all(['users', 'posts', 'votes'].map((table) => app.knex(table).count()))
  const before = await counts()

  for (const [json, path] of [
    [{ content: 'b' }, '/title'],
    [{ ...post, title: '' }, '/title'],
    [{ ...post, title: 5 }, '/title'],
    [{ ...post, title: null }, '/title'],
    [{ ...post, title: 'x'.repeat(301) }, '/title'],
    [{ ...post, title: 'a\0b' }, '/title'],
    [{ ...post, title: '\ud800' }, '/title'],
    [{ ...post, content: 'x'.repeat(20_001) }, '/content'],
    [{ ...post, content: ['b'] }, '/content'],
    [{ ...post, published: 'true' }, '/published'],
    [{ ...post, published: null }, '/published'],
    [null, ''],
    [[], ''],
    ['text', ''],
  ] as const) {
    const answer = await call('POST', '/posts', { token, json })
    t.match(
      answer,
      { status: 422, body: { errors: [{ in: 'body', path }] } },
      JSON.stringify(json).slice(0, 60),
    )
  }

  for (const [json, path] of [
    [{ post_id: 1, dir: null }, '/dir'],
    [{ post_id: 1, dir: '1' }, '/dir'],
    [{ post_id: 1, dir: 2 }, '/dir'],
    [{ post_id: 1, dir: true }, '/dir'],
    [{ post_id: '1', dir: 1 }, '/post_id'],
    [{ post_id: 0, dir: 1 }, '/post_id'],
    [{ post_id: 1.5, dir: 1 }, '/post_id'],
    [{ post_id: 2 ** 31, dir: 1 }, '/post_id'],
  ] as const) {
    const answer = await call('POST', '/vote', { token, json })
    t.match(answer, { status: 422, body: { errors: [{ in: 'body', path }] } }, JSON.stringify(json))
  }

  for (const [json, path] of [
    [{ ...user, email: 'nobody' }, '/email'],
    [{ ...user, email: `${'x'.repeat(243)}@example.com` }, '/email'],
    [{ ...user, email: undefined }, '/email'],
    [{ ...user, password: 'seven77' }, '/password'],
    [{ ...user, password: 'x'.repeat(73) }, '/password'],
    [{ ...user, password: 'é'.repeat(37) }, '/password'],
    [{ ...user, password: 'pass\0word' }, '/password'],
    [{ ...user, password: 12345678 }, '/password'],
  ] as const) {
    const answer = await call('POST', '/users', { json })
    t.match(
      answer,
      { status: 422, body: { errors: [{ in: 'body', path }] } },
      JSON.stringify(json).slice(0, 60),
    )
  }

  t.same(await counts(), before, 'and nothing was written')
})

t.test('what is just within the bounds is accepted', async (t) => {
  const { call, signUp } = await serve(t)
  const { token } = await signUp('ann@example.com')
  for (const json of [
    { ...post, title: 'x'.repeat(300), content: '😀'.repeat(20_000) },
    { ...post, title: 'a\u2028b\t\n"\'\\' },
  ]) {
    const answer = await call('POST', '/posts', { token, json })
    t.match(answer, { status: 201, body: json })
  }
  for (const [email, password] of [
    [`${'x'.repeat(242)}@example.com`, 'eight888'],
    ['élodie@café.example', 'x'.repeat(72)],
    ["o'brien+tag@example.com", 'e\u0301'.repeat(36)],
  ] as const) {
    t.match(await call('POST', '/users', { json: { email, password } }), { status: 201, body: { email } })
  }
  t.match(
    await call('POST', '/users', { json: { email: 'ÉLODIE@CAFÉ.example', password: 'password123' } }),
    { status: 409 },
    'case makes no difference, beyond ASCII too',
  )
})

t.test('integers in a path or a query are digits within bounds, given once', async (t) => {
  const { call, signUp } = await serve(t)
  const { token } = await signUp('ann@example.com')
  const ids = ['0', '-1', '1.0', '1e3', '0x10', '+1', '%201', '2147483648', '9'.repeat(100), 'null']
  for (const id of ids) t.equal((await call('GET', `/posts/${id}`, { token })).status, 422, id)
  // nginx takes no path with a NUL to anybody.
  t.equal((await call('GET', '/posts/1%00', { token })).status, process.env.CONTRACT_URL ? 400 : 422)
  t.equal((await call('GET', '/posts/2147483647', { token })).status, 404)

  for (const query of [
    'limit=0',
    'limit=101',
    'limit=0x10',
    'limit=1e1',
    'limit=',
    'limit=5&limit=6',
    'skip=-1',
    'skip=2147483648',
    'search=a&search=b',
    'search=%00',
    'other=1&other=2',
    `search=${'x'.repeat(301)}`,
  ]) {
    t.equal((await call('GET', `/posts?${query}`, { token })).status, 422, query)
  }
  t.equal((await call('GET', '/posts?limit=100&skip=0&search=&other=1', { token })).status, 200)
})
