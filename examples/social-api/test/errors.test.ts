import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { resolve } from 'node:path'
import t from 'tap'
import { callRaw, serve } from '../../../test-support/social-api.ts'
import { createLogger } from '../platform/logging.ts'
import { PROBLEMS } from '../src/problem.ts'

const { app, call, signUp, url } = await serve(t)
const { token } = await signUp('ann@example.com')
const JSON_TYPE = { 'content-type': 'application/json' }

t.test('each error is a problem document with its status, code, page and request id', async (t) => {
  const auth = { authorization: `Bearer ${token}` }
  const large = JSON.stringify({ title: 'a', content: 'x'.repeat(5_000_000) })

  for (const [code, response] of [
    ['MALFORMED_REQUEST', await call('POST', '/posts', { token, text: '{"title":', headers: JSON_TYPE })],
    ['MALFORMED_REQUEST', await call('POST', '/posts', { token, text: '', headers: JSON_TYPE })],
    ['MALFORMED_REQUEST', await callRaw(url, '/posts/%zz', { headers: auth })],
    ['MALFORMED_REQUEST', await call('GET', '/posts', { headers: { authorization: 'Bearer a b' } })],
    ['TOKEN_INVALID', await call('GET', '/posts', { token: `${token}x` })],
    ['NOT_FOUND', await call('GET', '/nothing')],
    ['NOT_FOUND', await call('GET', '/users/99', { token })],
    ['METHOD_NOT_ALLOWED', await call('PATCH', '/posts/1')],
    ['PAYLOAD_TOO_LARGE', await call('POST', '/posts', { token, text: large, headers: JSON_TYPE })],
    ['URI_TOO_LONG', await callRaw(url, `/posts/${'9'.repeat(101)}`, { headers: auth })],
    ['UNSUPPORTED_MEDIA_TYPE', await call('POST', '/posts', { token, form: { title: 'a', content: 'b' } })],
    ['UNSUPPORTED_MEDIA_TYPE', await call('POST', '/posts', { token, text: 'hello' })],
    [
      'UNSUPPORTED_MEDIA_TYPE',
      await call('POST', '/login', { text: '<a/>', headers: { 'content-type': 'text/xml' } }),
    ],
    ['VALIDATION_FAILED', await call('GET', '/posts/0', { token })],
  ] as const) {
    const status = PROBLEMS[code].status
    t.match(response.headers.get('content-type'), /^application\/problem\+json\b/, code)
    t.match(
      response,
      {
        status,
        body: {
          type: `/guide/errors/${code}`,
          title: String,
          status,
          detail: String,
          code,
          instance: /^req-/,
        },
      },
      code,
    )
  }
})

t.test('a 405 lists the allowed methods, with and without a trailing slash', async (t) => {
  t.equal((await call('DELETE', '/posts')).headers.get('allow'), 'GET, HEAD, POST')
  t.equal((await call('PATCH', '/posts/1/')).headers.get('allow'), 'DELETE, GET, HEAD, PUT')
  t.equal((await call('PROPFIND', '/login')).status, 405)
  t.equal((await call('POST', '/nothing')).status, 404)
})

t.test('a body must be JSON in UTF-8, without compression', async (t) => {
  const post = (body: Uint8Array<ArrayBuffer>, headers = {}) =>
    fetch(`${url}/users`, { method: 'POST', body, headers: { ...JSON_TYPE, ...headers } })
  const text = Buffer.from('{"email":"ann@example.com","password":"abc\xff\xfedefgh"}', 'latin1')
  t.equal((await post(text)).status, 400)
  t.equal((await post(Buffer.from('{}'), { 'content-encoding': 'gzip' })).status, 415)
  t.equal((await post(Buffer.from('{}'), { 'content-encoding': 'identity' })).status, 422)
  t.equal(
    (await call('POST', '/nothing', { text: '{', headers: JSON_TYPE })).status,
    404,
    'an unknown path is reported first',
  )
})

t.test('a repeated query key is a 422', async (t) => {
  t.match(await call('GET', '/health?a=1&a=2'), { status: 422, body: { errors: [{ path: '/a' }] } })
  t.match(await call('GET', '/health?a/b~c=1&a/b~c=2'), { body: { errors: [{ path: '/a~1b~0c' }] } })
  t.equal((await call('GET', '/health?a=1&b=2')).status, 200)
})

t.test('a client that disconnects while it sends its body is not logged as a failure', async (t) => {
  const lines: string[] = []
  const loggerInstance = createLogger({
    level: 'warn',
    destination: { write: (line) => void lines.push(line) },
  })
  const { app, url } = await serve(t, { loggerInstance })
  const { hostname, port } = new URL(url)
  const closed = once(app.server, 'connection').then(([connection]) => once(connection, 'close'))
  const socket = connect(Number(port), hostname)
  socket.write(
    'POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{',
  )
  await once(app.server, 'connection')
  socket.destroy()
  await closed
  t.equal((await fetch(`${url}/health`)).status, 200)
  t.same(lines, [])
})

t.test('a DELETE without a body ignores its content type', async (t) => {
  for (const type of ['application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
    const { body: post } = await call('POST', '/posts', { token, json: { title: 'a', content: 'b' } })
    const deleted = await call('DELETE', `/posts/${post.id}`, { token, headers: { 'content-type': type } })
    t.equal(deleted.status, 204, type)
  }
})

t.test('a 500 reveals nothing internal', async (t) => {
  await app.knex.schema.renameTable('votes', 'elsewhere')
  t.teardown(() => app.knex.schema.renameTable('elsewhere', 'votes'))
  const response = await call('GET', '/posts', { token })
  t.match(response, { status: 500, body: { code: 'INTERNAL', status: 500 } })
  t.notMatch(JSON.stringify(response.body), /votes|select|relation/i)
})

t.test('without its database the service responds with 503, and works again when it is back', async (t) => {
  const name = (await app.knex.raw('SELECT current_database() AS name')).rows[0].name
  t.equal((await call('GET', '/ready')).status, 200)

  const { default: knexFactory } = await import('knex')
  const admin = knexFactory({ client: 'pg', connection: process.env.TEST_POSTGRES_URL ?? '' })
  t.teardown(() => admin.destroy())
  await admin.raw('ALTER DATABASE ?? ALLOW_CONNECTIONS false', [name])
  await admin.raw('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ?', [name])
  for (const [method, path] of [
    ['GET', '/posts'],
    ['GET', '/users/me'],
    ['GET', '/ready'],
  ] as const) {
    const response = await call(method, path, { token })
    t.match(response, { status: 503, body: { code: 'DATABASE_UNAVAILABLE' } }, path)
  }
  t.equal((await call('GET', '/health')).status, 200)

  await admin.raw('ALTER DATABASE ?? ALLOW_CONNECTIONS true', [name])
  t.equal((await call('GET', '/posts', { token })).status, 200)
})

t.test('each error code has a page, and each page has a code', async (t) => {
  const pages = await readdir(resolve(import.meta.dirname, '../../../docs/errors'))
  const ours = pages.filter((page) => !/^(AUTH_HASH|JWT_KIT|JWT_REMOTE|DB_SESSION)_/.test(page))
  t.same(ours.map((page) => page.replace(/\.md$/, '')).sort(), Object.keys(PROBLEMS).sort())
})
