import { mock } from 'node:test'
import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { buildOffline, GENEROUS } from '../../../test-support/social-api.ts'
import { toNetwork } from '../platform/rate-limit.ts'
import { readConfig } from '../src/config.ts'

/** Returns a function that requests `/` from an address, and returns the status. */
function requestFrom(app: FastifyInstance) {
  return async (remoteAddress: string, headers: Record<string, string> = {}) =>
    (await app.inject({ url: '/', remoteAddress, headers })).statusCode
}

t.test('requests are limited by address', async (t) => {
  mock.timers.enable({ apis: ['Date'], now: 1_000_000 })
  t.teardown(() => mock.timers.reset())
  const app = await buildOffline(t, {
    throttles: { ...GENEROUS, requestsPerMinute: 3 },
    corsOrigins: ['https://a.example'],
  })

  t.test('requests over the limit are a 429 until the minute is over', async (t) => {
    for (const url of ['/', '/nowhere', '/posts']) t.not((await app.inject(url)).statusCode, 429, url)
    mock.timers.tick(20_500)
    const rejected = await app.inject('/')
    t.match(rejected.json(), {
      code: 'TOO_MANY_REQUESTS',
      type: '/guide/errors/TOO_MANY_REQUESTS',
      status: 429,
    })
    t.equal(rejected.statusCode, 429)
    t.match(rejected.headers, { 'content-type': /^application\/problem\+json/, 'retry-after': '40' })
    for (const [method, url] of [
      ['GET', '/nowhere'],
      ['POST', '/login'],
      ['DELETE', '/login'],
    ] as const)
      t.equal((await app.inject({ method, url })).statusCode, 429, `${method} ${url}`)

    mock.timers.tick(39_499)
    t.equal((await app.inject('/')).statusCode, 429, 'a millisecond before the end')
    mock.timers.tick(2)
    t.equal((await app.inject('/')).statusCode, 200, 'after the end')
  })

  t.test('requests to /health and /ready are not counted', async (t) => {
    for (let count = 0; count < 5; count++) {
      t.equal((await app.inject('/health')).statusCode, 200)
      t.not((await app.inject('/ready')).statusCode, 429)
    }
  })

  t.test('a page of an allowed origin can read a 429', async (t) => {
    for (let count = 0; count < 3; count++) await app.inject('/')
    const { statusCode, headers } = await app.inject({ url: '/', headers: { origin: 'https://a.example' } })
    t.equal(statusCode, 429)
    t.equal(headers['access-control-allow-origin'], 'https://a.example')
  })

  t.test('each IPv4 address has its own count, and each IPv6 network of 64 bits has one', async (t) => {
    t.equal(await requestFrom(app)('192.0.2.1'), 200)
    const statuses = []
    for (const host of [':1', ':2', 'beef:1:2:3', 'a:b:c:d', ':3'])
      statuses.push(await requestFrom(app)(`2001:db8:0:1:${host}`))
    t.same(statuses, [200, 200, 200, 429, 429])
    t.equal(await requestFrom(app)('2001:db8:0:2::1'), 200)
  })

  t.test('without a trusted proxy, a forged header does not change the address', async (t) => {
    t.equal(await requestFrom(app)('127.0.0.1'), 429)
    for (const forged of ['192.0.2.9', '::1', '127.0.0.1, 192.0.2.9', 'garbage', '192.0.2.9:80', '']) {
      const headers = { 'x-forwarded-for': forged, 'x-real-ip': forged, forwarded: `for=${forged}` }
      t.equal(await requestFrom(app)('127.0.0.1', headers), 429, forged)
    }
  })
})

t.test('behind one proxy, the address that the proxy adds counts', async (t) => {
  for (const trustProxy of [1, 'loopback', '10.0.0.0/8, 127.0.0.1']) {
    const app = await buildOffline(t, { trustProxy, throttles: { ...GENEROUS, requestsPerMinute: 2 } })
    const ask = (forwarded?: string) =>
      requestFrom(app)('127.0.0.1', forwarded === undefined ? {} : { 'x-forwarded-for': forwarded })

    t.same([await ask('192.0.2.1'), await ask('192.0.2.1'), await ask('192.0.2.1')], [200, 200, 429])
    t.equal(await ask('192.0.2.2'), 200, 'another client')
    for (const forged of [
      '192.0.2.77, 192.0.2.1',
      '127.0.0.1, 192.0.2.1',
      '10.0.0.1,192.0.2.1',
      'garbage, , 192.0.2.1',
      '192.0.2.77:80, 192.0.2.1:4711',
      '::ffff:192.0.2.1',
      '::ffff:c000:201',
      '2001:db8::9, [::ffff:192.0.2.1]:4711',
    ])
      t.equal(await ask(forged), 429, forged)

    t.same([await ask('garbage'), await ask('more'), await ask('still more')], [200, 200, 429])
    t.equal(await ask(), 429, 'clients without an address share the address of the proxy')
  }
})

t.test('a forwarded address is ignored if it is not from a trusted proxy', async (t) => {
  const app = await buildOffline(t, {
    trustProxy: 'loopback',
    throttles: { ...GENEROUS, requestsPerMinute: 1 },
  })
  t.equal(await requestFrom(app)('198.51.100.1', { 'x-forwarded-for': '192.0.2.1' }), 200)
  t.equal(await requestFrom(app)('198.51.100.1', { 'x-forwarded-for': '192.0.2.2' }), 429)
})

t.test('behind two proxies, the last address but one is the address of the client', async (t) => {
  const app = await buildOffline(t, { trustProxy: 2, throttles: { ...GENEROUS, requestsPerMinute: 1 } })
  const ask = (forwarded: string) => requestFrom(app)('127.0.0.1', { 'x-forwarded-for': forwarded })
  t.equal(await ask('192.0.2.1, 198.51.100.1'), 200)
  t.equal(await ask('192.0.2.77, 192.0.2.1, 198.51.100.2'), 429)
  t.equal(await ask('192.0.2.2, 198.51.100.1'), 200)
})

t.test('requests are not limited if the limit is 0', async (t) => {
  const app = await buildOffline(t, { throttles: { ...GENEROUS, requestsPerMinute: 0 } })
  for (let count = 0; count < 5; count++) t.equal(await requestFrom(app)('127.0.0.1'), 200)
})

t.test('by default, one address can send 1,200 requests per minute', async (t) => {
  const app = await buildOffline(t, { throttles: readConfig({}).throttles })
  const statuses: number[] = []
  for (let count = 0; count < 1_300; count++) statuses.push(await requestFrom(app)('127.0.0.1'))
  t.equal(statuses.indexOf(429), 1_200)
})

t.test('responses to malformed paths are counted too, and have the security headers', async (t) => {
  const app = await buildOffline(t, { throttles: { ...GENEROUS, requestsPerMinute: 3 } })
  for (const path of ['/%E0%A4%A', '/%', '/posts/%zz']) {
    const malformed = await app.inject(path)
    t.equal(malformed.statusCode, 400, path)
    t.match(malformed.json(), { code: 'MALFORMED_REQUEST' })
    t.match(malformed.headers, { 'content-security-policy': /none/, 'cache-control': 'no-store' })
  }
  const rejected = await app.inject('/%E0%A4%A')
  t.equal(rejected.statusCode, 429)
  t.match(rejected.json(), { code: 'TOO_MANY_REQUESTS' })
  t.equal(await requestFrom(app)('127.0.0.1'), 429, 'together with other requests')
})

t.test('every limited operation declares the 429, and no other operation does', async (t) => {
  const app = await buildOffline(t, {})
  const document = (await app.inject('/openapi.json')).json()
  for (const [path, methods] of Object.entries<Record<string, { responses: object }>>(document.paths)) {
    for (const [method, { responses }] of Object.entries(methods))
      t.equal('429' in responses, !['/health', '/ready'].includes(path), `${method} ${path}`)
  }
  const { content, headers } = document.paths['/login'].post.responses['429']
  t.match(JSON.stringify(content['application/problem+json']), '"TOO_MANY_REQUESTS"')
  t.ok('Retry-After' in headers)
})

t.test('an IPv6 address is counted as its /64, and all spellings of an IPv4 address as one', async (t) => {
  const NETWORKS: Record<string, string | undefined> = {
    '192.0.2.1': '192.0.2.1',
    '192.0.2.1:4711': '192.0.2.1',
    '::ffff:192.0.2.1': '192.0.2.1',
    '::FFFF:C000:201': '192.0.2.1',
    '[::ffff:192.0.2.1]:80': '192.0.2.1',
    '64:ff9b::192.0.2.1': '192.0.2.1',
    '2001:db8::1': '2001:db8:0:0::/64',
    '2001:0DB8:0000:0000:ffff::1': '2001:db8:0:0::/64',
    '[2001:db8::1]': '2001:db8:0:0::/64',
    '2001:db8:0:1::1': '2001:db8:0:1::/64',
    'fe80::1%eth0': 'fe80:0:0:0::/64',
    '': undefined,
    garbage: undefined,
    '1': undefined,
    '0x7f.1': undefined,
    '192.0.2': undefined,
    '192.0.2.1:port': undefined,
  }
  for (const [text, network] of Object.entries(NETWORKS)) t.equal(toNetwork(text), network, text)
  t.equal(toNetwork(), undefined)
})
