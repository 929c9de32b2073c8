import { once } from 'node:events'
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import t from 'tap'
import { readConfig } from '../../../examples/social-api/src/config.ts'
import { buildOffline, callRaw } from '../../../test-support/social-api.ts'
import { isLocal } from '../server/gate.ts'
import { createPageHeaders, KEY } from './setup.ts'

const app = await buildOffline(t, { xrayKey: KEY, corsOrigins: ['*'] })
const url = await app.listen({ host: '::', port: 0, ipv6Only: false })
const { port } = new URL(url)
const local = `http://127.0.0.1:${port}`
const { cookie } = createPageHeaders(local)

const PATHS = ['/xray', '/xray/', '/xray/main.js', '/xray/stream', '/xray/lessons'] as const

/** Removes the parts of a response that depend on its request. */
function normalize(text: string, path: string): string {
  return text
    .replaceAll(path, '/PATH')
    .replaceAll(/req-[0-9a-f-]{36}/g, 'ID')
    .replaceAll(/^date: .*$/gim, '')
}

/** Sends the text of a request unchanged, and returns the whole response. */
async function sendText(host: string, head: string): Promise<string> {
  const socket = connect({ host, port: Number(port) })
  await once(socket, 'connect')
  socket.write(`${head}\r\n\r\n`)
  let response = ''
  for await (const chunk of socket.setEncoding('utf8')) response += chunk
  return response
}

/** Sends a request as X-ray's page does; `headers` replace or add headers. */
function ask(path: string, headers: OutgoingHttpHeaders = {}, base = local) {
  return callRaw(base, path, { headers: { cookie, ...headers } })
}

t.test('a program of this machine with the key can use X-ray', async (t) => {
  const hosts: OutgoingHttpHeaders[] = [
    {},
    ...[
      '127.0.0.1',
      `127.0.0.1:${port}`,
      'localhost',
      `LOCALHOST:${port}`,
      `[::1]:${port}`,
      '127.8.9.10',
    ].map((host) => ({ host })),
  ]
  for (const headers of hosts) t.equal((await ask('/xray', headers)).status, 200, JSON.stringify(headers))
  t.equal((await ask('/xray', {}, `http://[::1]:${port}`)).status, 200, 'over IPv6')
  t.equal((await ask('/xray', {}, `http://localhost:${port}`)).status, 200, 'by its name')
})

t.test('X-ray’s own page and a link to it can use X-ray', async (t) => {
  for (const headers of [
    { origin: local },
    { host: `localhost:${port}`, origin: `http://localhost:${port}` },
    { host: `[::1]:${port}`, origin: `http://[::1]:${port}`, 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  ]) {
    const { status, headers: responseHeaders } = await ask('/xray', headers)
    t.equal(status, 200, JSON.stringify(headers))
    t.notOk(
      responseHeaders.has('access-control-allow-origin'),
      'no other page may read it, whatever CORS allows',
    )
  }
})

t.test('the key in the page’s URL becomes a cookie, which gives access to the rest of X-ray', async (t) => {
  for (const path of [`/xray?key=${KEY}`, `/xray/?key=${KEY}`, `/xray?a=1&key=${KEY}`]) {
    const { status, headers } = await callRaw(local, path)
    t.equal(status, 200, path)
    t.equal(
      headers.get('set-cookie'),
      `${cookie}; Path=/xray; Max-Age=2592000; HttpOnly; SameSite=Strict`,
      'its name includes the port',
    )
  }
  for (const path of PATHS.slice(0, 3)) t.equal((await ask(path)).status, 200, path)
  t.equal((await ask('/xray', { cookie: `a=b; ${cookie}; c=d` })).status, 200, 'among other cookies')
})

t.test('without the key, or with another one, X-ray is a 404', async (t) => {
  const name = `xray-${port}`
  const tries: [string, OutgoingHttpHeaders?][] = [
    ...PATHS.map((path): [string] => [path]),
    ['/xray?key='],
    [`/xray?key=${KEY}x`],
    [`/xray?key=${KEY.slice(0, -1)}`],
    [`/xray?key=${KEY.toUpperCase()}`],
    [`/xray/main.js?key=${KEY}`],
    [`/xray/stream?key=${KEY}`],
    ['/xray', { cookie: `${name}=` }],
    ['/xray', { cookie: `${name}=${KEY}x` }],
    ['/xray', { cookie: `xray=${KEY}` }],
    ['/xray', { cookie: `xray-${Number(port) + 1}=${KEY}` }],
    ['/xray', { cookie: `x${name}=${KEY}` }],
    ['/xray', { authorization: `Bearer ${KEY}` }],
  ]
  for (const [path, headers = {}] of tries) {
    const { status, headers: responseHeaders } = await callRaw(local, path, { headers })
    t.equal(status, 404, `${path} ${JSON.stringify(headers)}`)
    t.notOk(responseHeaders.has('set-cookie'))
  }
})

t.test(
  'the key in a URL is ignored through a proxy, with another method, or from another site',
  async (t) => {
    const path = `/xray?key=${KEY}`
    for (const [method, headers] of [
      ['GET', { 'x-forwarded-for': '127.0.0.1' }],
      ['GET', { host: 'shop.example.com' }],
      ['GET', { origin: 'https://attacker.example' }],
      ['POST', { origin: local }],
      ['DELETE', { origin: local }],
    ] as const)
      t.equal(
        (await callRaw(local, path, { method, headers })).status,
        404,
        `${method} ${Object.keys(headers)}`,
      )
  },
)

t.test('behind an nginx that adds no header, X-ray is a 404 even with the key', async (t) => {
  // The requests that nginx sends with `location / { proxy_pass http://127.0.0.1:3000; }`.
  for (const head of [
    `GET /xray HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\nConnection: close`,
    `GET /xray?key=${KEY} HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\nConnection: close`,
    `GET /xray HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\nCookie: ${cookie}\r\nConnection: close`,
    `POST /xray/bench/hash/edges HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\nOrigin: ${local}\r\nCookie: ${cookie}\r\nContent-Length: 0`,
  ])
    t.match(await sendText('127.0.0.1', head), /^HTTP\/1.1 404 /, head)
  // With `proxy_http_version 1.1`, only the missing key rejects the request.
  const keyless = `GET /xray HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close`
  t.match(await sendText('127.0.0.1', keyless), /^HTTP\/1.1 404 /)
  t.match(await sendText('127.0.0.1', `${keyless}\r\nCookie: ${cookie}`), /^HTTP\/1.1 200 /, 'with the key')
})

t.test('a request that is not a GET needs the page’s own origin', async (t) => {
  const post = (headers: OutgoingHttpHeaders) =>
    callRaw(local, '/xray/bench/hash/edges', { method: 'POST', headers: { cookie, ...headers } })
  for (const headers of [
    {},
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    { origin: `http://localhost:${port}` },
    { origin: 'http://127.0.0.1:5173' },
    { origin: `https://127.0.0.1:${port}` },
  ])
    t.equal((await post(headers)).status, 404, JSON.stringify(headers))
  t.equal((await post({ origin: local })).status, 200, 'with that origin')
})

const OUTSIDERS: Record<string, OutgoingHttpHeaders> = {
  'a host name that resolves to this address': { host: 'attacker.example' },
  'a host name that starts with localhost': { host: 'localhost.attacker.example' },
  'a host name that contains this address': { host: `127.0.0.1.nip.io:${port}` },
  'a host name that ends with localhost': { host: 'xlocalhost' },
  'a subdomain of localhost': { host: `a.localhost:${port}` },
  'a host name with a user': { host: `attacker@127.0.0.1:${port}` },
  'the address of every interface': { host: `0.0.0.0:${port}` },
  'another address': { host: `192.168.1.10:${port}` },
  'an invalid port': { host: '127.0.0.1:port' },
  'a page of another site': { origin: 'https://attacker.example' },
  'a page of a site whose name contains localhost': { origin: 'http://localhost.attacker.example' },
  'a page with the origin null': { origin: 'null' },
  'an invalid origin': { origin: 'localhost' },
  'a page of another port without other headers': { origin: 'http://127.0.0.1:5173' },
  'a page of another name of this machine': { origin: `http://localhost:${port}` },
  'a page of another site without an origin': {
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'no-cors',
    'sec-fetch-dest': 'image',
  },
  'a page of another port': {
    origin: 'http://localhost:5173',
    'sec-fetch-site': 'same-site',
    'sec-fetch-mode': 'cors',
    'sec-fetch-dest': 'empty',
  },
  'a frame in a page of another site': {
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'iframe',
  },
  'a form of a page of another site': {
    origin: 'http://127.0.0.1',
    'sec-fetch-site': 'cross-site',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
  },
  'a proxy that adds Forwarded': { forwarded: 'for=127.0.0.1' },
  'a proxy that adds X-Forwarded-For': { 'x-forwarded-for': '127.0.0.1' },
  'a proxy that adds X-Forwarded-Host': { 'x-forwarded-host': 'localhost' },
  'a proxy that adds X-Forwarded-Proto': { 'x-forwarded-proto': 'https' },
  'a proxy that adds X-Real-IP': { 'x-real-ip': '127.0.0.1' },
  'a proxy that adds Via': { via: '1.1 proxy' },
  'a proxy that adds only a header of its own': { 'cf-connecting-ip': '127.0.0.1' },
}

for (const [who, headers] of Object.entries(OUTSIDERS)) {
  t.test(`X-ray is a 404 for ${who}`, async (t) => {
    for (const path of PATHS) {
      const [ours, unknown] = await Promise.all([path, '/nothing'].map((path) => ask(path, headers)))
      t.equal(ours?.status, 'host' in headers && String(headers.host).includes('@') ? 400 : 404, path)
      const responses = [ours, unknown].map((response, index) =>
        normalize(
          JSON.stringify([response?.body, [...(response?.headers ?? [])]]),
          [path, '/nothing'][index] ?? '',
        ),
      )
      t.equal(
        sortedLength(responses[0]),
        sortedLength(responses[1]),
        'the response is the same as for an unknown path',
      )
    }
  })
}

/** Removes the length and the date from a response. */
function sortedLength(response = ''): string {
  return response.replaceAll(/\["(date|content-length)","[^"]*"\]/g, '')
}

t.test('X-ray is a 404 at a network address of this machine', async (t) => {
  const addresses = Object.values(networkInterfaces())
    .flatMap((all) => all ?? [])
    .filter(({ internal, scopeid = 0 }) => !internal && scopeid === 0)
  for (const { address, family } of addresses) {
    const base = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`
    for (const headers of [{}, { host: `127.0.0.1:${port}` }])
      t.equal((await ask('/xray', headers, base)).status, 404, `${address}, ${JSON.stringify(headers)}`)
  }
})

t.test('only a loopback peer is local', async (t) => {
  const from = (remoteAddress?: string) =>
    isLocal({
      socket: { remoteAddress },
      method: 'GET',
      httpVersion: '1.1',
      headers: { host: 'localhost' },
      rawHeaders: ['Host', 'localhost'],
    } as IncomingMessage)
  for (const address of ['127.0.0.1', '127.3.2.1', '::1', '::ffff:127.0.0.1']) t.ok(from(address), address)
  for (const address of [
    '10.0.0.1',
    '::ffff:10.0.0.1',
    '128.0.0.1',
    'fe80::1',
    '::',
    '0.0.0.0',
    '1127.0.0.1',
    undefined,
  ])
    t.notOk(from(address), String(address))
})

t.test('X-ray is rejected without a Host header, with two, or with an absolute URL', async (t) => {
  const status = async (head: string) =>
    (await sendText('127.0.0.1', `${head}\r\nCookie: ${cookie}\r\nConnection: close`)).slice(9, 12)
  t.ok(['400', '404'].includes(await status('GET /xray HTTP/1.1')), 'without a Host')
  t.equal(await status('GET /xray HTTP/1.1\r\nHost: localhost'), '200', 'with one Host')
  for (const hosts of [
    ['localhost', 'attacker.example'],
    ['attacker.example', 'localhost'],
    ['localhost', 'localhost'],
  ]) {
    const two = await status(`GET /xray HTTP/1.1\r\nHost: ${hosts.join('\r\nHost: ')}`)
    t.ok(['400', '404'].includes(two), `${hosts}: ${two}`)
  }
  t.equal(await status('GET http://attacker.example/xray HTTP/1.1\r\nHost: localhost'), '404')
})

t.test('another method does not reveal that X-ray exists', async (t) => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']) {
    for (const headers of [{}, { origin: local }, { host: 'attacker.example' }]) {
      const { status } = await callRaw(local, '/xray', { method, headers: { cookie, ...headers } })
      t.equal(status, 404, method)
    }
  }
})

t.test('CORS allows nothing to a page of another site', async (t) => {
  const preflight = { origin: 'https://attacker.example', 'access-control-request-method': 'POST' }
  const [ours, unknown] = await Promise.all(
    ['/xray/stream', '/nothing'].map((path) =>
      callRaw(local, path, { method: 'OPTIONS', headers: { cookie, ...preflight } }),
    ),
  )
  t.equal(ours?.status, unknown?.status, 'a preflight gets the same response as for an unknown path')
  const { status } = await ask('/xray/stream', { origin: 'https://attacker.example' })
  t.equal(status, 404, 'the request itself is a 404')
})

t.test('the OpenAPI document does not contain X-ray', async (t) => {
  t.notMatch((await app.inject('/openapi.json')).body, /xray/i)
})

t.test('if X-ray is off, its paths are a 404', async (t) => {
  const without = await buildOffline(t)
  for (const path of PATHS) t.equal((await without.inject(path)).statusCode, 404, path)
})

t.test('XRAY turns X-ray on or off, and it is always off in production and behind a proxy', async (t) => {
  const production = {
    NODE_ENV: 'production',
    DATABASE_URL: 'postgres://u:p@127.0.0.1/d',
    JWT_SECRET: 'xZ5GkqNn2yv2rUQo0jJ8mJ1Q4c7Tt9bW6sLhKdPeRfA=',
  }
  t.equal(readConfig({}).xray, true)
  t.equal(readConfig({ XRAY: 'on' }).xray, true)
  t.equal(readConfig({ XRAY: 'off' }).xray, false)
  t.equal(readConfig({ ...production }).xray, false)
  t.equal(readConfig({ ...production, XRAY: 'on' }).xray, false)
  t.equal(readConfig({ TRUST_PROXY: '1' }).xray, false)
  t.equal(readConfig({ TRUST_PROXY: 'loopback', XRAY: 'on' }).xray, false)
  t.throws(() => readConfig({ XRAY: 'yes' }), { message: /XRAY must be one of on, off/ })
})
