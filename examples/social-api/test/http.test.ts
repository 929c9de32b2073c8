import { connect } from 'node:net'
import t from 'tap'
import { serve, type TestService } from '../../../test-support/social-api.ts'

const HOST = 'Host: x\r\nConnection: close\r\n'
const BODY = '{"title":"a","content":"b"}'
const LENGTH = `Content-Type: application/json\r\nContent-Length: ${BODY.length}\r\n`

t.test('what is no HTTP is answered with a problem document, and the connection is closed', async (t) => {
  const service = await serve(t)
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
    const { statuses, headers, body } = await send(service, text)
    t.same(statuses, [status], what)
    t.match(headers, /^content-type: application\/problem\+json/im, what)
    t.match(JSON.parse(body), { status, code: String, detail: String, instance: String }, what)
  }
})

t.test('what differs from it by a hair is HTTP, and is served', async (t) => {
  const service = await serve(t)
  for (const [what, text] of [
    ['HTTP/1.0 without a Host', 'GET /health HTTP/1.0\r\n\r\n'],
    ['an absolute target', `GET http://elsewhere.example/health HTTP/1.1\r\n${HOST}\r\n`],
    ['headers of 12 kB', `GET /health HTTP/1.1\r\n${HOST}X: ${'x'.repeat(12_000)}\r\n\r\n`],
    ['an expectation nobody knows', `GET /health HTTP/1.1\r\n${HOST}Expect: tea\r\n\r\n`],
    [
      'an upgrade nobody offers',
      'GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n',
    ],
    ['a body where none is read', `GET /health HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\n{`],
  ] as const) {
    const { statuses, body } = await send(service, text)
    t.same(statuses, [200], what)
    t.match(JSON.parse(body), { message: String })
  }
})

t.test('a request with two lengths of its body is one request, and no second is smuggled in', async (t) => {
  const service = await serve(t)
  const hidden = `GET /health HTTP/1.1\r\n${HOST}\r\n`
  const both = `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n`
  const smuggled = await send(service, `POST /login HTTP/1.1\r\nHost: x\r\n${both}\r\n0\r\n\r\n${hidden}`)
  t.same(smuggled.statuses, [400])
  const pipelined = await send(service, `GET /health HTTP/1.1\r\nHost: x\r\n\r\n${hidden}`)
  t.same(pipelined.statuses, [200, 200], 'though two in a row are two')
})

t.test('a client that asks first is told to continue', async (t) => {
  const service = await serve(t)
  const { token } = await service.signUp('ann@example.com')
  const auth = `Authorization: Bearer ${token}\r\n`
  const asking = `POST /posts HTTP/1.1\r\n${HOST}${auth}${LENGTH}Expect: 100-continue\r\n\r\n${BODY}`
  t.same((await send(service, asking)).statuses, [100, 201])
})

t.test('a method is what the request line says, and nothing else', async (t) => {
  const { call, signUp } = await serve(t)
  const { token } = await signUp('ann@example.com')
  await call('POST', '/posts', { token, text: BODY, headers: { 'content-type': 'application/json' } })
  for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override']) {
    const answer = await call('GET', '/posts/1?_method=DELETE', { token, headers: { [name]: 'DELETE' } })
    t.match(answer, { status: 200, body: { Post: { id: 1 } } }, name)
  }
  t.equal((await call('GET', '/posts/1', { token })).status, 200, 'and it is there still')
})

t.test('HEAD answers as GET does, without the body; OPTIONS and TRACE are refused', async (t) => {
  const service = await serve(t)
  const { token } = await service.signUp('ann@example.com')
  for (const [path, auth] of [
    ['/posts', `Authorization: Bearer ${token}\r\n`],
    ['/posts', ''],
    ['/posts/1', `Authorization: Bearer ${token}\r\n`],
    ['/nothing', ''],
    ['/health', ''],
  ] as const) {
    const get = await send(service, `GET ${path} HTTP/1.1\r\n${HOST}${auth}\r\n`)
    const head = await send(service, `HEAD ${path} HTTP/1.1\r\n${HOST}${auth}\r\n`)
    t.same(head.statuses, get.statuses, path)
    t.equal(head.body, '')
    t.equal(/^content-type: .*$/im.exec(head.headers)?.[0], /^content-type: .*$/im.exec(get.headers)?.[0])
  }
  for (const method of ['OPTIONS', 'TRACE', 'PROPFIND']) {
    const { statuses, headers } = await send(
      service,
      `${method} /posts HTTP/1.1\r\n${HOST}X-Secret: 1\r\n\r\n`,
    )
    t.same(statuses, [405], method)
    t.match(headers, /^allow: GET, HEAD, POST\r$/im)
  }
})

t.test('a path is the same with one slash at its end, and another with any more', async (t) => {
  const service = await serve(t)
  const { token } = await service.signUp('ann@example.com')
  const headers = { 'content-type': 'application/json' }
  t.equal((await service.call('POST', '/posts/', { token, text: BODY, headers })).status, 201)
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
    const { statuses } = await send(
      service,
      `GET ${path} HTTP/1.1\r\n${HOST}Authorization: Bearer ${token}\r\n\r\n`,
    )
    t.same(statuses, [status], path)
  }
})

/** Writes bytes as they are, and reads what comes until the service closes the connection. */
async function send({ url }: TestService, text: string) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(text)
  let answer = ''
  for await (const chunk of socket.setEncoding('utf8')) answer += chunk
  const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status))
  const [headers = '', body = ''] = answer.slice(answer.lastIndexOf('HTTP/1.1 ')).split('\r\n\r\n')
  return { statuses, headers, body }
}
