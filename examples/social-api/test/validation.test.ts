import t from 'tap'
import { PASSWORD } from '../../../test-support/client.ts'
import { serve } from '../../../test-support/social-api.ts'

const post = { title: 'a', content: 'b' }
const user = { email: 'new@example.com', password: 'password123' }

t.test('every value is validated', async (t) => {
  const { app, call, signUp } = await serve(t)
  const { token } = await signUp('ann@example.com')

  t.test('an invalid value is a 422 that names its location', async (t) => {
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
      const response = await call('POST', '/posts', { token, json })
      t.match(
        response,
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
      const response = await call('POST', '/vote', { token, json })
      t.match(response, { status: 422, body: { errors: [{ in: 'body', path }] } }, JSON.stringify(json))
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
      const response = await call('POST', '/users', { json })
      t.match(
        response,
        { status: 422, body: { errors: [{ in: 'body', path }] } },
        JSON.stringify(json).slice(0, 60),
      )
    }

    t.same(await counts(), before, 'nothing was written')
  })

  t.test('values just within the bounds are accepted', async (t) => {
    for (const json of [
      { ...post, title: 'x'.repeat(300), content: '😀'.repeat(20_000) },
      { ...post, title: 'a\u2028b\t\n"\'\\' },
    ]) {
      const response = await call('POST', '/posts', { token, json })
      t.match(response, { status: 201, body: json })
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
      'case does not matter, also beyond ASCII',
    )
  })

  t.test('integers in a path or query must be digits within bounds, and be given once', async (t) => {
    const ids = ['0', '-1', '1.0', '1e3', '0x10', '+1', '%201', '2147483648', '9'.repeat(100), 'null']
    for (const id of ids) t.equal((await call('GET', `/posts/${id}`, { token })).status, 422, id)
    // nginx rejects a path with NUL.
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

  t.test(
    'emails that look the same are the same, and emails with invisible characters are rejected',
    async (t) => {
      const signUpStatus = async (email: string) =>
        (await call('POST', '/users', { json: { email, password: PASSWORD } })).status
      t.equal(await signUpStatus('caf\u00e9@example.com'), 201)
      t.equal(await signUpStatus('cafe\u0301@example.com'), 409)
      const { email } = await app.knex('users').orderBy('id', 'desc').first()
      t.equal(email, 'caf\u00e9@example.com')
      for (const username of ['caf\u00e9@example.com', 'cafe\u0301@example.com', 'CAFE\u0301@example.com'])
        t.equal(
          (await call('POST', '/login', { form: { username, password: PASSWORD } })).status,
          200,
          username,
        )
      for (const character of [
        ...'\u3164\uffa0\u115f\u1160\u200b\u200d\u00ad\u034f\u180e\u2060\ufeff\u202e\u2066\ufe0f',
        '\u{e0001}',
        '\u{1d173}',
        '\u0001',
        '\u001b',
        '\u007f',
        '\u009b',
      ])
        t.equal(
          await signUpStatus(`a${character}b@example.com`),
          422,
          `U+${character.codePointAt(0)?.toString(16)}`,
        )
    },
  )
})
