import t, { type Test } from 'tap'
import type { ClientResponse } from '../../../test-support/client.ts'
import { callRaw, serve, truncateTables } from '../../../test-support/social-api.ts'
import { PROBLEMS, type ProblemCode } from '../src/problem.ts'

/** A valid body of each operation that reads one. */
const BODIES: Record<string, Record<string, unknown>> = {
  'POST /users': { email: 'new@example.com', password: 'a good password' },
  'PUT /users/me/password': { current_password: 'a good password', new_password: 'a better password' },
  'POST /login': { username: 'ann@example.com', password: 'a good password' },
  'POST /token/refresh': { refresh_token: 'x'.repeat(43) },
  'POST /logout': { refresh_token: 'x'.repeat(43) },
  'POST /posts': { title: 'a', content: 'b', published: false },
  'PUT /posts/{id}': { title: 'a', content: 'b', published: false },
  'POST /vote': { post_id: 1, dir: 0 },
}

const HIDDEN = [
  '/docs',
  '/docs/json',
  '/docs/yaml',
  '/docs/static/swagger-ui.css',
  '/openapi.json',
  '/header.js',
]

/** Text with a special meaning in SQL, LIKE, knex, a shell or a browser. */
const METACHARACTERS = [
  "'; DROP TABLE posts; --",
  "' OR '1'='1",
  '") UNION SELECT password FROM users --',
  '$1 ? ?? :id \\? $$x$$',
  '100% _a\\b \\% \\_',
  '<script>alert(1)</script>',
  '$(id) `id` {{7*7}} #{7*7} %s %n',
  '../../etc/passwd',
]

interface Operation {
  method: string
  path: string
  /** The path with an existing id. */
  example: string
  needsToken: boolean
  body: Record<string, unknown> | undefined
}

const service = await serve(t)
const { app, call, url } = service

t.test('each operation responds to each invalid request with the problem of the contract', async (t) => {
  const { token } = await populate()
  const auth = { authorization: `Bearer ${token}` }
  const operations = await readOperations()
  t.ok(operations.length >= 18)

  for (const { method, path, example, needsToken, body } of operations) {
    await t.test(`${method} ${path} rejects every invalid request, and writes nothing`, async (t) => {
      const before = await readTables()
      const expectProblem = async (code: ProblemCode, what: string, response: Promise<ClientResponse>) =>
        assertProblem(t, await response, code, what)
      const send = (path: string, headers: Record<string, string | string[]> = auth, verb = method) =>
        callRaw(url, path, { method: verb, headers })

      for (const query of ['a=1&a=1', '__proto__=1&__proto__=2', `${'a=1&'.repeat(2_000)}`])
        await expectProblem('VALIDATION_FAILED', query.slice(0, 40), send(`${example}?${query}`))
      for (const query of ['a=%', 'a=%zz', '%ff=1', 'a=%C0%AF', 'a=%ED%A0%80'])
        await expectProblem('MALFORMED_REQUEST', query, send(`${example}?${query}`))
      await expectProblem('MALFORMED_REQUEST', 'path%zz', send(`${example}%zz`))
      const wrongMethod = await send(example, {}, 'PROPFIND')
      assertProblem(t, wrongMethod, 'METHOD_NOT_ALLOWED', 'PROPFIND')
      t.ok(wrongMethod.headers.get('allow')?.split(', ').includes(method))

      if (needsToken) {
        await expectProblem('NOT_AUTHENTICATED', 'no token', send(path.replace('{id}', 'nonsense'), {}))
        await expectProblem(
          'NOT_AUTHENTICATED',
          'another scheme',
          send(example, { authorization: 'Basic YTpi' }),
        )
        await expectProblem('TOKEN_INVALID', 'a bad token', send(example, { authorization: 'Bearer x' }))
        const two = [auth.authorization, auth.authorization]
        await expectProblem('MALFORMED_REQUEST', 'two headers', send(example, { authorization: two }))
      }

      if (path.includes('{id}')) {
        for (const id of BAD_IDS) await expectProblem('VALIDATION_FAILED', id, send(path.replace('{id}', id)))
        for (const id of ['%', '%zz', '1%ff', '%C0%AF'])
          await expectProblem('MALFORMED_REQUEST', id, send(path.replace('{id}', id)))
        await expectProblem('URI_TOO_LONG', '101 digits', send(path.replace('{id}', '9'.repeat(101))))
      }

      if (body) {
        const type = 'application/json'
        const sendText = (text: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
          call(method, example, { token, text, headers: { 'content-type': type, ...headers } })
        const good = JSON.stringify(body)

        for (const text of [
          '',
          '{',
          'null}',
          '{"a":1}{}',
          "{'a':1}",
          '{a:1}',
          'NaN',
          'undefined',
          '\0',
          '[1,]',
        ])
          await expectProblem('MALFORMED_REQUEST', text, sendText(text))
        for (const bytes of [Buffer.from(good, 'utf16le'), Buffer.from('{"a":"\xff\xc0\xaf"}', 'latin1')])
          await expectProblem('MALFORMED_REQUEST', bytes.toString('latin1'), sendText(new Uint8Array(bytes)))
        for (const text of [
          'null',
          '[]',
          '5',
          'true',
          '"a"',
          '{}',
          '['.repeat(9e3) + ']'.repeat(9e3),
          `[${good}]`,
        ])
          await expectProblem('VALIDATION_FAILED', text.slice(0, 40), sendText(text))
        await expectProblem('VALIDATION_FAILED', 'members of __proto__', sendText(`{"__proto__":${good}}`))
        await expectProblem('PAYLOAD_TOO_LARGE', '5 MB', sendText(`{"a":"${'x'.repeat(5_000_000)}"}`))
        await expectProblem('UNSUPPORTED_MEDIA_TYPE', 'gzip', sendText(good, { 'content-encoding': 'gzip' }))
        const isLogin = path === '/login'
        for (const other of [
          'text/plain',
          'text/xml',
          'application/jsonx',
          'application/ld+json',
          'multipart/form-data; boundary=x',
          ...(isLogin ? [] : ['application/x-www-form-urlencoded']),
        ])
          await expectProblem('UNSUPPORTED_MEDIA_TYPE', other, sendText(good, { 'content-type': other }))

        for (const [member, value] of Object.entries(body)) {
          for (const wrong of [undefined, ...listInvalidValues(value)]) {
            if (member === 'published' && wrong === undefined) continue
            const text = JSON.stringify({ ...body, [member]: wrong })
            const response = await sendText(text)
            assertProblem(t, response, 'VALIDATION_FAILED', text.slice(0, 60))
            t.match(response.body.errors, [{ in: 'body', path: `/${member}` }], text.slice(0, 60))
          }
        }
      }

      t.same(await readTables(), before, 'nothing was written')
    })
  }

  await t.test('GET /posts rejects every invalid query', async (t) => {
    for (const [name, values] of Object.entries(BAD_QUERY)) {
      for (const value of values) {
        const response = await callRaw(url, `/posts?${name}=${value}`, { headers: auth })
        assertProblem(t, response, 'VALIDATION_FAILED', `${name}=${value}`)
        t.match(response.body.errors, [{ in: 'querystring', path: `/${name}` }])
      }
    }
  })
})

t.test('members that the schema does not name are removed, and never stored', async (t) => {
  const { id, token } = await populate()
  const extra =
    '"id":99,"owner_id":99,"user_id":99,"role":"admin","votes":5,"created_at":"1999-01-01","owner":{"id":99},' +
    '"__proto__":{"role":"admin"},"constructor":{"prototype":{"role":"admin"}},"toString":1,"x":"\\ud800\\u0000"'
  const send = (method: string, path: string, good: object) =>
    call(method, path, {
      token,
      text: `{${extra},${JSON.stringify(good).slice(1, -1)}}`,
      headers: { 'content-type': 'application/json' },
    })

  const post = { title: 'c', content: 'd', published: true }
  t.match(await send('POST', '/posts', post), { status: 201, body: { ...post, id: 2, owner_id: id } })
  t.match(await send('PUT', '/posts/1', post), { status: 200, body: { ...post, id: 1, owner_id: id } })
  t.match(await send('POST', '/vote', { post_id: 2, dir: 1 }), { status: 201 })
  t.match(await send('POST', '/users', BODIES['POST /users'] ?? {}), { status: 201, body: { id: 2 } })
  t.match(await send('POST', '/login', BODIES['POST /login'] ?? {}), { status: 200 })

  t.match(await app.knex('users').orderBy('id'), [
    { id: 1, role: 'user' },
    { id: 2, role: 'user' },
  ])
  t.match(await app.knex('posts').orderBy('id'), [
    { ...post, id: 1, owner_id: id },
    { ...post, id: 2, owner_id: id },
  ])
  t.match(await app.knex('votes').orderBy('post_id'), [{ post_id: 1 }, { post_id: 2, user_id: id }])
  for (const { created_at } of await app.knex('posts')) t.ok(created_at.getFullYear() > 2000)
  t.notOk('role' in {}, 'Object has no new member')
})

t.test('text with a special meaning elsewhere is stored and found unchanged', async (t) => {
  const { token } = await populate()
  for (const text of METACHARACTERS) {
    const json = { title: text, content: text }
    const written = await call('POST', '/posts', { token, json })
    t.match(written, { status: 201, body: json }, text)
    t.match(await app.knex('posts').where({ id: written.body.id }).first(), json)
    t.match(await call('PUT', '/posts/1', { token, json }), { status: 200, body: json })
    await call('PUT', '/posts/1', { token, json: { title: 'a', content: 'b' } })

    const found = await call('GET', `/posts?search=${encodeURIComponent(text)}`, { token })
    t.same(
      found.body.map(({ Post }: { Post: { id: number } }) => Post.id),
      [written.body.id],
      'only this post is found',
    )
    const asUser = { username: text, password: text }
    t.match(await call('POST', '/login', { form: asUser }), {
      status: 403,
      body: { code: 'INVALID_CREDENTIALS' },
    })
  }
})

t.test('an unusual body that is valid JSON is read as in RFC 8259', async (t) => {
  const { token } = await populate()
  const send = (text: string, type = 'application/json') =>
    call('POST', '/posts', { token, text, headers: { 'content-type': type } })
  const post = { title: 'c', content: 'd' }
  const good = JSON.stringify(post)
  for (const [what, text, type] of [
    ['a byte order mark', `\ufeff${good}`],
    ['a member that occurs twice: the last one counts', `{"title":"z",${good.slice(1)}`],
    ['white space', `\r\n\t ${good.replaceAll(':', ' : ')}\n\n`],
    ['escapes', '{"titl\\u0065":"\\u0063","content":"d"}'],
    ['another charset, which JSON does not have', good, 'application/json; charset=latin1'],
    ['capitals', good, 'Application/JSON;Charset="UTF-8"'],
    ['a deep member that is not read', `{"x":${'{"a":'.repeat(5e3)}1${'}'.repeat(5e3)},${good.slice(1)}`],
  ] as const)
    t.match(await send(text, type), { status: 201, body: post }, what)
})

t.test(
  'a login needs each field exactly once, and accepts a password in any Unicode normal form',
  async (t) => {
    await truncateTables(app.knex)
    const password = 'caf\u00e9 😀 tomatoes'
    await call('POST', '/users', { json: { email: 'Ann@Example.com', password } })
    const form = (text: string) =>
      call('POST', '/login', { text, headers: { 'content-type': 'application/x-www-form-urlencoded' } })
    const encoded = (username: string, password: string) =>
      form(new URLSearchParams({ username, password }).toString())

    for (const [username, text] of [
      ['Ann@Example.com', password],
      ['ANN@EXAMPLE.COM', password],
      ['ann@example.com', password.normalize('NFD')],
    ] as const) {
      t.equal((await encoded(username, text)).status, 200, `${username} ${text}`)
    }
    for (const [username, text] of [
      ['ann@example.com', password.toUpperCase()],
      ['ann@example.com', password.replace('\u00e9', 'e')],
      ['ann@example.com', `${password} `],
      ['ann@example.com', 'x'.repeat(73)],
      ['ann@example.com', '\ufffd'.repeat(1_000)],
      [' ann@example.com', password],
      ['ann@example.com\n', password],
      ['%', password],
    ] as const) {
      assertProblem(t, await encoded(username, text), 'INVALID_CREDENTIALS', `${username} ${text}`)
    }
    for (const text of [
      '',
      'username=a',
      'password=a',
      'username=&password=',
      'username=a&username=b&password=c',
      'username=a&password=c&password=c',
      'username[]=a&password=c',
      'username[x]=a&password=c',
      'username=a;password=c',
      'username=a%00&password=c',
      'username=a&password=c%00',
      `username=a&password=${'x'.repeat(1_025)}`,
      '{"username":"a","password":"c"}',
    ]) {
      assertProblem(t, await form(text), 'VALIDATION_FAILED', text)
    }
    assertProblem(t, await form('%'), 'VALIDATION_FAILED', '%')
    // Invalid escapes stay as they are, so they match no user's email or password.
    for (const text of [
      'username=%zz&password=c',
      'username=a&password=%ff',
      'username=%ed%a0%80&password=c',
    ])
      assertProblem(t, await form(text), 'INVALID_CREDENTIALS', text)
    assertProblem(t, await form(`username=a&password=${'x'.repeat(5e6)}`), 'PAYLOAD_TOO_LARGE', '5 MB')
  },
)

const BAD_IDS = [
  '0',
  '-1',
  '1.0',
  '1e3',
  '0x10',
  '+1',
  '%201',
  '2147483648',
  '9'.repeat(100),
  'null',
  '1%00',
  '1;',
  '%2e%2e',
  '%D9%A3',
  '[1]',
  '__proto__',
  '1,2',
  '1%2F',
  '1%20OR%201=1',
]

const BAD_INTEGERS = [
  '',
  '-1',
  '1.0',
  '1e1',
  '0x10',
  '%201',
  '1%00',
  '2147483648',
  '9'.repeat(400),
  'null',
  '%D9%A3',
  '1;',
]

const BAD_QUERY = {
  limit: ['0', '101', ...BAD_INTEGERS],
  skip: BAD_INTEGERS,
  search: ['%00', 'a%00b', 'x'.repeat(301)],
}

function listInvalidValues(value: unknown): unknown[] {
  const always: unknown[] = [null, [], {}, [value], { value }, { __proto__: null, toString: value }]
  if (typeof value === 'string')
    return [...always, 5, true, '', 'a\0bcdefgh@example.com', '\ud800bcdefgh@example.com']
  if (typeof value === 'boolean') return [...always, 0, 1, 'true', 'false', '']
  return [...always, '1', '0x10', '', true, false, -1, 1.5, 1e21, 2 ** 31, -(2 ** 53), Number.MAX_VALUE]
}

/** Empties the tables, and creates a user with a post and a vote for it. */
async function populate(): Promise<{ id: number; token: string }> {
  await truncateTables(app.knex)
  const ann = await service.signUp('ann@example.com')
  await call('POST', '/posts', { token: ann.token, json: { title: 'a', content: 'b' } })
  await call('POST', '/vote', { token: ann.token, json: { post_id: 1, dir: 1 } })
  return ann
}

/** Returns every operation of the OpenAPI document, and the paths that are not in it. */
async function readOperations(): Promise<Operation[]> {
  const { body: document } = await call('GET', '/openapi.json')
  const hidden = HIDDEN.map((path) => ({
    method: 'GET',
    path,
    example: path,
    needsToken: false,
    body: undefined,
  }))
  const paths: [string, Record<string, { security: object[]; requestBody?: object }>][] = Object.entries(
    document.paths,
  )
  const described = paths.flatMap(([path, methods]) =>
    Object.entries(methods).map(([verb, { security, requestBody }]) => {
      const method = verb.toUpperCase()
      const body = BODIES[`${method} ${path}`]
      if (requestBody && !body) throw new Error(`${method} ${path} needs a row in BODIES`)
      return { method, path, example: path.replace('{id}', '1'), needsToken: security.length > 0, body }
    }),
  )
  return [...described, ...hidden]
}

function assertProblem(
  t: Test,
  { status, headers, body }: ClientResponse,
  code: ProblemCode,
  sent: string,
): void {
  const { errors = [], ...rest } = body
  const text = JSON.stringify(body)
  t.match(
    {
      response: { ...rest, type: headers.get('content-type') },
      members: Object.keys(body).join(),
      errors: errors.filter(
        ({ in: part, path, message }: Record<string, string>) => !part || path === undefined || !message,
      ),
      page: body.type,
      statuses: [status, body.status].join(),
      isInternal: /node_modules|\.[jt]s:\d|select |insert |knex|objection/i.test(text),
    },
    {
      response: {
        type: /^application\/problem\+json\b/,
        title: /\w/,
        detail: /\w/,
        code: new RegExp(`^${code}$`),
        instance: /\w/,
      },
      members:
        code === 'VALIDATION_FAILED'
          ? /^type,title,status,detail,code,instance,errors$/
          : /^type,title,status,detail,code,instance$/,
      errors: { length: 0 },
      statuses: [PROBLEMS[code].status, PROBLEMS[code].status].join(),
      page: new RegExp(`^/guide/errors/${code}$`),
      isInternal: false,
    },
    JSON.stringify(sent).slice(0, 60),
  )
}

/** Returns every row of every table. */
async function readTables(): Promise<Record<string, unknown[]>> {
  const tables: string[] = await app.knex('pg_tables').where({ schemaname: 'public' }).pluck('tablename')
  const rows = tables.map(async (table) => [table, await app.knex(table).orderByRaw('1, 2')])
  return Object.fromEntries(await Promise.all(rows))
}
