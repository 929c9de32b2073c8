import { once } from 'node:events'
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'
import t from 'tap'
import { serve } from '../../../test-support/social-api.ts'
import { POST_BODY_LIMIT, SERVER_LIMITS } from '../platform/http.ts'

const { app, call, signUp, url } = await serve(t)
const { token } = await signUp('ann@example.com')

const HOST = 'Host: x\r\nConnection: close\r\n'
const BODY = '{"title":"a","content":"b"}'
const LENGTH = `Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n`

/** The character with the longest encoding: twelve bytes in JSON, and twelve in a form. */
const CHARACTER = '\u{1f600}'
const escaped = (text: string) => text.replaceAll(CHARACTER, '\\ud83d\\ude00')
const JSON_TYPE = { 'content-type': 'application/json' }

t.test('malformed HTTP gets a problem document, and the connection is closed', async (t) => {
  for (const [what, text, status] of [
    ['no such method', `BREW / HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['no target', `GET HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['a space in the target', `GET /posts /1 HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['NUL in the target', `GET /posts\0 HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['UTF-8 in the target', `GET /posts/é HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['NUL in a header', `GET /health HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`, 400],
    ['a space in a header’s name', `GET /health HTTP/1.1\r\n${HOST}X y: 1\r\n\r\n`, 400],
    ['no Host', 'GET /health HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['a negative length', `POST /login HTTP/1.1\r\n${HOST}Content-Length: -1\r\n\r\n`, 400],
    ['two lengths', `POST /login HTTP/1.1\r\n${HOST}Content-Length: 5\r\nContent-Length: 6\r\n\r\n`, 400],
    ['an unknown coding', `POST /login HTTP/1.1\r\n${HOST}Transfer-Encoding: x\r\n\r\n`, 400],
    ['a broken chunk', `POST /login HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400],
    ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['TLS', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03', 400],
    ['a tunnel', `CONNECT x:80 HTTP/1.1\r\n${HOST}\r\n`, 400],
    ['a long path', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n`, 414],
    ['long headers', `GET /health HTTP/1.1\r\n${HOST}X: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
  ] as const) {
    const { statuses, headers, body } = await send(text)
    t.same(statuses, [status], what)
    t.match(headers, /^content-type: application\/problem\+json/im, what)
    t.match(JSON.parse(body), { status, code: String, detail: String, instance: String }, what)
  }
})

t.test('unusual but valid HTTP is served', async (t) => {
  for (const [what, text] of [
    ['HTTP/1.0 without a Host', 'GET /health HTTP/1.0\r\n\r\n'],
    ['an absolute target', `GET http://elsewhere.example/health HTTP/1.1\r\n${HOST}\r\n`],
    ['headers of 12 kB', `GET /health HTTP/1.1\r\n${HOST}X: ${'x'.repeat(12_000)}\r\n\r\n`],
    ['an unknown expectation', `GET /health HTTP/1.1\r\n${HOST}Expect: tea\r\n\r\n`],
    [
      'an unsupported upgrade',
      'GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n',
    ],
    ['a body that is not read', `GET /health HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\n{`],
  ] as const) {
    const { statuses, body } = await send(text)
    t.same(statuses, [200], what)
    t.match(JSON.parse(body), { message: String })
  }
})

t.test(
  'a request with both a length and chunks is rejected, and cannot smuggle in a second request',
  async (t) => {
    const hidden = `GET /health HTTP/1.1\r\n${HOST}\r\n`
    const both = `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n`
    const smuggled = await send(`POST /login HTTP/1.1\r\nHost: x\r\n${both}\r\n0\r\n\r\n${hidden}`)
    t.same(smuggled.statuses, [400])
    const pipelined = await send(`GET /health HTTP/1.1\r\nHost: x\r\n\r\n${hidden}`)
    t.same(pipelined.statuses, [200, 200], 'two pipelined requests are served')
  },
)

t.test('a request with Expect: 100-continue gets a 100 before its response', async (t) => {
  const auth = `Authorization: Bearer ${token}\r\n`
  const asking = `POST /posts HTTP/1.1\r\n${HOST}${auth}${LENGTH}Expect: 100-continue\r\n\r\n${BODY}`
  t.same((await send(asking)).statuses, [100, 201])
})

t.test('only the request line decides the method', async (t) => {
  const { body: post } = await call('POST', '/posts', {
    token,
    text: BODY,
    headers: { 'content-type': 'application/json' },
  })
  for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
    const response = await call('GET', `/posts/${post.id}?_method=DELETE`, {
      token,
      headers: { [name]: 'DELETE' },
    })
    t.match(response, { status: 200, body: { Post: { id: post.id } } }, name)
  }
  t.equal((await call('GET', `/posts/${post.id}`, { token })).status, 200, 'the post still exists')
})

t.test('HEAD responds as GET does, without the body, and OPTIONS and TRACE are a 405', async (t) => {
  for (const [path, auth] of [
    ['/posts', `Authorization: Bearer ${token}\r\n`],
    ['/posts', ''],
    ['/posts/1', `Authorization: Bearer ${token}\r\n`],
    ['/nothing', ''],
    ['/health', ''],
  ] as const) {
    const get = await send(`GET ${path} HTTP/1.1\r\n${HOST}${auth}\r\n`)
    const head = await send(`HEAD ${path} HTTP/1.1\r\n${HOST}${auth}\r\n`)
    t.same(head.statuses, get.statuses, path)
    t.equal(head.body, '')
    t.equal(/^content-type: .*$/im.exec(head.headers)?.[0], /^content-type: .*$/im.exec(get.headers)?.[0])
  }
  for (const method of ['OPTIONS', 'TRACE', 'PROPFIND']) {
    const { statuses, headers } = await send(`${method} /posts HTTP/1.1\r\n${HOST}X-Secret: 1\r\n\r\n`)
    t.same(statuses, [405], method)
    t.match(headers, /^allow: GET, HEAD, POST\r$/im)
  }
})

t.test('one trailing slash does not change a path, and any other change does', async (t) => {
  const headers = { 'content-type': 'application/json' }
  t.equal((await call('POST', '/posts/', { token, text: BODY, headers })).status, 201)
  for (const [path, status] of [
    ['/posts', 200],
    ['/posts/', 200],
    ['/posts/1', 200],
    ['/posts/1/', 200],
    ['/posts/%31', 200],
    ['/users/me/', 200],
    ['//posts', 404],
    ['/posts/1//', 404],
    ['/posts/./1', 404],
    ['/posts/../posts', 404],
    ['/Posts', 404],
    ['/posts;a=1', 404],
    ['/posts//', 422],
    ['/users/ME', 422],
  ] as const) {
    const { statuses } = await send(`GET ${path} HTTP/1.1\r\n${HOST}Authorization: Bearer ${token}\r\n\r\n`)
    t.same(statuses, [status], path)
  }
})

t.test('a request needs exactly one Host header, with a valid host', async (t) => {
  const getStatus = async (target: string, ...headers: string[]) => {
    const head = `GET ${target} HTTP/1.1\r\n${headers.join('\r\n')}\r\nConnection: close\r\n\r\n`
    const { statuses } = await send(Buffer.from(head, 'latin1'))
    return statuses.join()
  }
  for (const host of ['a', 'a.example:80', '[::1]:3000', '127.0.0.1', 'a_b.example'])
    t.equal(await getStatus('/', `Host: ${host}`), '200', host)
  for (const host of ['a/b', 'a b', 'a@b', 'a?b', '\x9b31mRED', '<b>', 'a"b', 'a\\b'])
    t.equal(await getStatus('/', `Host: ${host}`), '400', host)
  t.equal(await getStatus('/', 'Host: a', 'Host: b'), '400')
  t.equal(await getStatus('/', 'Host: a', 'hOST: a'), '400')
  t.equal(await getStatus('*', 'Host: a'), '400')
})

t.test('a long Accept header costs no time, and is ignored', async (t) => {
  const page = await app.inject({ url: '/', headers: { accept: 'text/html' } })
  t.match(page.headers['content-type'], /^text\/html/)
  for (const name of ['accept', 'accept-language', 'accept-encoding', 'accept-charset']) {
    for (const filler of [',', ';', 'a,', 'a;', '*/*,', 'text/html;a="",']) {
      const value = `text/html;a="${filler.repeat(15_000 / filler.length)}"`
      const start = performance.now()
      const { statusCode } = await app.inject({ url: '/', headers: { [name]: value } })
      t.equal(statusCode, 200, `${name}: ${filler}`)
      t.ok(performance.now() - start < 1_000)
    }
  }
  const long = await app.inject({ url: '/', headers: { accept: `text/html${','.repeat(2_000)}` } })
  t.match(long.headers['content-type'], /^application\/json/)
})

t.test('headers may have up to 16 KiB', async (t) => {
  t.equal((await call('GET', '/health', { headers: { x: 'y'.repeat(15_000) } })).status, 200)
  t.match(await call('GET', '/health', { headers: { x: 'y'.repeat(16_384) } }), {
    status: 431,
    body: { code: 'HEADERS_TOO_LARGE' },
  })
})

t.test('the largest possible post is accepted, and a body over the limit is a 413', async (t) => {
  const title = CHARACTER.repeat(300)
  const content = CHARACTER.repeat(20_000)
  const text = escaped(JSON.stringify({ title, content, published: false }))
  t.ok(text.length > 243_600 && text.length < POST_BODY_LIMIT)
  const made = await call('POST', '/posts', { token, text, headers: JSON_TYPE })
  t.equal(made.status, 201)
  t.equal(made.body.content, content)
  const path = `/posts/${made.body.id}`
  t.equal((await call('PUT', path, { token, text, headers: JSON_TYPE })).status, 200)

  const padded = (length: number) => text + ' '.repeat(length - text.length)
  const full = { token, text: padded(POST_BODY_LIMIT), headers: JSON_TYPE }
  const over = { token, text: padded(POST_BODY_LIMIT + 1), headers: JSON_TYPE }
  t.equal((await call('POST', '/posts', full)).status, 201)
  t.match(await call('POST', '/posts', over), { status: 413, body: { code: 'PAYLOAD_TOO_LARGE' } })
  t.equal((await call('PUT', path, over)).status, 413)
})

t.test(
  'the largest possible login is read as a form and as JSON, and a body over the limit is a 413',
  async (t) => {
    const username = CHARACTER.repeat(1_024)
    const credentials = { username, password: username }
    const text = escaped(JSON.stringify(credentials))
    t.ok(text.length > 24_576)
    t.equal((await call('POST', '/login', { text, headers: JSON_TYPE })).status, 403)
    const form = { grant_type: 'password', scope: '', client_id: '', client_secret: '', ...credentials }
    t.ok(new URLSearchParams(form).toString().length > 24_576)
    t.equal((await call('POST', '/login', { form })).status, 403)

    const large = { ...credentials, scope: 'x'.repeat(SERVER_LIMITS.bodyLimit) }
    t.equal((await call('POST', '/login', { form: large })).status, 413)
    t.equal((await call('POST', '/users', { json: large })).status, 413)
    const tooLong = { ...credentials, password: CHARACTER.repeat(1_025) }
    t.equal((await call('POST', '/login', { json: tooLong })).status, 422)
  },
)

t.test('a client can read its 413, even if it sends all of a large body first', async (t) => {
  const head = (length: number | 'chunked') =>
    `POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n${
      length === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${length}`
    }\r\n\r\n`
  for (const size of [33 * 1024, 1 << 20, 7 << 20]) {
    const body = Buffer.alloc(size, ' ')
    for (let attempt = 0; attempt < 3; attempt++) {
      const response = await send(Buffer.concat([Buffer.from(head(size)), body]))
      t.match(response, { statuses: [413], body: /"PAYLOAD_TOO_LARGE"/ }, `${size} bytes`)
    }
    const chunked = [head('chunked'), `${size.toString(16)}\r\n`, body, '\r\n0\r\n\r\n']
    const response = await send(Buffer.concat(chunked.map((part) => Buffer.from(part))))
    t.match(response, { statuses: [413], body: /"PAYLOAD_TOO_LARGE"/ }, `${size} bytes in chunks`)
  }
})

/** Sends bytes unchanged, and returns what the service sends until it closes the connection. */
async function send(bytes: string | Buffer) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  // Sending may fail after the service has responded; the response counts.
  socket.on('error', () => {})
  socket.write(bytes)
  let received = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    received += chunk
  })
  await once(socket, 'close')
  const statuses = [...received.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status))
  const [headers = '', body = ''] = received.slice(received.lastIndexOf('HTTP/1.1 ')).split('\r\n\r\n')
  return { statuses, headers, body }
}
