import { once } from 'node:events'
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import t from 'tap'
import { readConfig } from '../../../examples/social-api/src/config.ts'
import { buildOffline, callRaw } from '../../../test-support/social-api.ts'
import { isLocal } from '../server/gate.ts'
import { KEY, pageHeaders } from './setup.ts'

const app = await buildOffline(t, { xrayKey: KEY, corsOrigins: ['*'] })
const url = await app.listen({ host: '::', port: 0, ipv6Only: false })
const { port } = new URL(url)
const local = `http://127.0.0.1:${port}`
const { cookie } = pageHeaders(local)

const PATHS = ['/xray', '/xray/', '/xray/main.js', '/xray/stream', '/xray/lessons'] as const

/** A response without what depends on its request. */
function substance(text: string, path: string): string {
  return text
    .replaceAll(path, '/PATH')
    .replaceAll(/req-[0-9a-f-]{36}/g, 'ID')
    .replaceAll(/^date: .*$/gim, '')
}

/** Sends a request byte by byte, and returns the whole response. */
async function exchange(host: string, head: string): Promise<string> {
  const socket = connect({ host, port: Number(port) })
  await once(socket, 'connect')
  socket.write(`${head}\r\n\r\n`)
  let answer = ''
  for await (const chunk of socket.setEncoding('utf8')) answer += chunk
  return answer
}

/** A request as X-ray's page sends it; `headers` replace or add to that. */
function ask(path: string, headers: OutgoingHttpHeaders = {}, base = local) {
  return callRaw(base, path, { headers: { cookie, ...headers } })
}

t.test('X-ray is there for a program of this machine that has the key', async (t) => {
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
  t.equal((await ask('/xray', {}, `http://localhost:${port}`)).status, 200, 'by name')
})

t.test('X-ray is there for its own page, and for a link to it', async (t) => {
  for (const headers of [
    { origin: local },
    { host: `localhost:${port}`, origin: `http://localhost:${port}` },
    { host: `[::1]:${port}`, origin: `http://[::1]:${port}`, 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
    { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
  ]) {
    const { status, headers: answered } = await ask('/xray', headers)
    t.equal(status, 200, JSON.stringify(headers))
    t.notOk(
      answered.has('access-control-allow-origin'),
      'and no other page may read it, whatever CORS allows',
    )
  }
})

t.test('the key in the page’s URL becomes a cookie, which opens the rest', async (t) => {
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
    const { status, headers: answered } = await callRaw(local, path, { headers })
    t.equal(status, 404, `${path} ${JSON.stringify(headers)}`)
    t.notOk(answered.has('set-cookie'))
  }
})

t.test('the key opens nothing through a proxy, with another method, or for another site', async (t) => {
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
})

t.test('behind an nginx that adds no header, X-ray is a 404 even with the key', async (t) => {
  // What `location / { proxy_pass http://127.0.0.1:3000; }` sends.
  for (const head of [
    `GET /xray HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\nConnection: close`,
    `GET /xray?key=${KEY} HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\nConnection: close`,
    `GET /xray HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\nCookie: ${cookie}\r\nConnection: close`,
    `POST /xray/bench/hash/edges HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\nOrigin: ${local}\r\nCookie: ${cookie}\r\nContent-Length: 0`,
  ])
    t.match(await exchange('127.0.0.1', head), /^HTTP\/1.1 404 /, head)
  // With `proxy_http_version 1.1` only the key is left to refuse it.
  const keyless = `GET /xray HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close`
  t.match(await exchange('127.0.0.1', keyless), /^HTTP\/1.1 404 /)
  t.match(
    await exchange('127.0.0.1', `${keyless}\r\nCookie: ${cookie}`),
    /^HTTP\/1.1 200 /,
    'its counterpart',
  )
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
  t.equal((await post({ origin: local })).status, 200, 'which has it')
})

const STRANGERS: Record<string, OutgoingHttpHeaders> = {
  'a name that was bound to this address': { host: 'attacker.example' },
  'a name that begins as ours does': { host: 'localhost.attacker.example' },
  'a name that has our address in it': { host: `127.0.0.1.nip.io:${port}` },
  'a name that ends as ours does': { host: 'xlocalhost' },
  'a name under localhost': { host: `a.localhost:${port}` },
  'a name with a user before it': { host: `attacker@127.0.0.1:${port}` },
  'the address of every interface': { host: `0.0.0.0:${port}` },
  'another address': { host: `192.168.1.10:${port}` },
  'a port that is none': { host: '127.0.0.1:port' },
  'a page of another site': { origin: 'https://attacker.example' },
  'a page of a site with our name in it': { origin: 'http://localhost.attacker.example' },
  'a page without an origin of its own': { origin: 'null' },
  'an origin that is none': { origin: 'localhost' },
  'a page of another port that says nothing else': { origin: 'http://127.0.0.1:5173' },
  'a page of another name of this machine': { origin: `http://localhost:${port}` },
  'a page of another site that says nothing of its origin': {
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
  'a proxy that says Forwarded': { forwarded: 'for=127.0.0.1' },
  'a proxy that says X-Forwarded-For': { 'x-forwarded-for': '127.0.0.1' },
  'a proxy that says X-Forwarded-Host': { 'x-forwarded-host': 'localhost' },
  'a proxy that says X-Forwarded-Proto': { 'x-forwarded-proto': 'https' },
  'a proxy that says X-Real-IP': { 'x-real-ip': '127.0.0.1' },
  'a proxy that says Via': { via: '1.1 proxy' },
  'a proxy that says nothing but its own header': { 'cf-connecting-ip': '127.0.0.1' },
}

for (const [who, headers] of Object.entries(STRANGERS)) {
  t.test(`X-ray is not there for ${who}`, async (t) => {
    for (const path of PATHS) {
      const [ours, unknown] = await Promise.all([path, '/nothing'].map((path) => ask(path, headers)))
      t.equal(ours?.status, 'host' in headers && String(headers.host).includes('@') ? 400 : 404, path)
      const answers = [ours, unknown].map((answer, index) =>
        substance(
          JSON.stringify([answer?.body, [...(answer?.headers ?? [])]]),
          [path, '/nothing'][index] ?? '',
        ),
      )
      t.equal(sortedLength(answers[0]), sortedLength(answers[1]), 'and its answer is that to an unknown path')
    }
  })
}

/** The answer without what counts its bytes and its moment. */
function sortedLength(answer = ''): string {
  return answer.replaceAll(/\["(date|content-length)","[^"]*"\]/g, '')
}

t.test('X-ray is not there over an address of the network', async (t) => {
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

t.test('X-ray is not there without a Host, or with two, or with a whole URL', async (t) => {
  const status = async (head: string) =>
    (await exchange('127.0.0.1', `${head}\r\nCookie: ${cookie}\r\nConnection: close`)).slice(9, 12)
  t.ok(['400', '404'].includes(await status('GET /xray HTTP/1.1')), 'without')
  t.equal(await status('GET /xray HTTP/1.1\r\nHost: localhost'), '200', 'with one it is there')
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

t.test('another method does not reveal that X-ray is there', async (t) => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']) {
    for (const headers of [{}, { origin: local }, { host: 'attacker.example' }]) {
      const { status } = await callRaw(local, '/xray', { method, headers: { cookie, ...headers } })
      t.equal(status, 404, method)
    }
  }
})

t.test('a page of another site is allowed nothing by CORS', async (t) => {
  const preflight = { origin: 'https://attacker.example', 'access-control-request-method': 'POST' }
  const [ours, unknown] = await Promise.all(
    ['/xray/stream', '/nothing'].map((path) =>
      callRaw(local, path, { method: 'OPTIONS', headers: { cookie, ...preflight } }),
    ),
  )
  t.equal(ours?.status, unknown?.status, 'a preflight says the same as of an unknown path')
  const { status } = await ask('/xray/stream', { origin: 'https://attacker.example' })
  t.equal(status, 404, 'and the request itself finds nothing')
})

t.test('X-ray is not in the OpenAPI document', async (t) => {
  t.notMatch((await app.inject('/openapi.json')).body, /xray/i)
})

t.test('without it there is nothing under its path', async (t) => {
  const without = await buildOffline(t)
  for (const path of PATHS) t.equal((await without.inject(path)).statusCode, 404, path)
})

t.test('XRAY says whether it is there, but neither in production nor behind a proxy', async (t) => {
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
