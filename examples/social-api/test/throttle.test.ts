import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { buildOffline, GENEROUS } from '../../../test-support/social-api.ts'
import { readConfig } from '../src/config.ts'

/** The status of a request for `/` from that address. */
function asking(app: FastifyInstance) {
  return async (remoteAddress: string, headers: Record<string, string> = {}) =>
    (await app.inject({ url: '/', remoteAddress, headers })).statusCode
}

t.test('requests', async (t) => {
  let now = 1_000_000
  const app = await buildOffline(t, {
    throttles: { ...GENEROUS, requestsPerMinute: 3 },
    now: () => now,
    corsOrigins: ['https://a.example'],
  })

  t.test('pass up to the limit, and are a 429 from then on until the minute is over', async (t) => {
    for (const url of ['/', '/nowhere', '/posts']) t.not((await app.inject(url)).statusCode, 429, url)
    now += 20_500
    const refused = await app.inject('/')
    t.match(refused.json(), {
      code: 'TOO_MANY_REQUESTS',
      type: '/guide/errors/TOO_MANY_REQUESTS',
      status: 429,
    })
    t.equal(refused.statusCode, 429)
    t.match(refused.headers, { 'content-type': /^application\/problem\+json/, 'retry-after': '40' })
    for (const [method, url] of [
      ['GET', '/nowhere'],
      ['POST', '/login'],
      ['DELETE', '/login'],
    ] as const)
      t.equal((await app.inject({ method, url })).statusCode, 429, `${method} ${url}`)

    now += 39_499
    t.equal((await app.inject('/')).statusCode, 429, 'a millisecond before')
    now += 2
    t.equal((await app.inject('/')).statusCode, 200, 'and after')
  })

  t.test('are not counted where a balancer asks whether the service is well', async (t) => {
    for (let count = 0; count < 5; count++) {
      t.equal((await app.inject('/health')).statusCode, 200)
      t.not((await app.inject('/ready')).statusCode, 429)
    }
  })

  t.test('that are refused can be read by a page of an allowed origin', async (t) => {
    for (let count = 0; count < 3; count++) await app.inject('/')
    const { statusCode, headers } = await app.inject({ url: '/', headers: { origin: 'https://a.example' } })
    t.equal(statusCode, 429)
    t.equal(headers['access-control-allow-origin'], 'https://a.example')
  })

  t.test('of one address are not another’s, but of one IPv6 network of 64 bits they are', async (t) => {
    t.equal(await asking(app)('192.0.2.1'), 200)
    const statuses = []
    for (const host of [':1', ':2', 'beef:1:2:3', 'a:b:c:d', ':3'])
      statuses.push(await asking(app)(`2001:db8:0:1:${host}`))
    t.same(statuses, [200, 200, 200, 429, 429])
    t.equal(await asking(app)('2001:db8:0:2::1'), 200)
  })

  t.test('are not made another’s by a forged header, where no proxy is trusted', async (t) => {
    t.equal(await asking(app)('127.0.0.1'), 429)
    for (const forged of ['192.0.2.9', '::1', '127.0.0.1, 192.0.2.9', 'garbage', '192.0.2.9:80', '']) {
      const headers = { 'x-forwarded-for': forged, 'x-real-ip': forged, forwarded: `for=${forged}` }
      t.equal(await asking(app)('127.0.0.1', headers), 429, forged)
    }
  })
})

t.test('behind one proxy, clients are told apart by the address that it adds', async (t) => {
  for (const trustProxy of [1, ['loopback'], ['10.0.0.0/8', '127.0.0.1']]) {
    const app = await buildOffline(t, { trustProxy, throttles: { ...GENEROUS, requestsPerMinute: 2 } })
    const ask = (forwarded?: string) =>
      asking(app)('127.0.0.1', forwarded === undefined ? {} : { 'x-forwarded-for': forwarded })

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
    t.equal(await ask(), 429, 'clients without an address share the proxy’s')
  }
})

t.test('whoever is no proxy of the list is not believed', async (t) => {
  const app = await buildOffline(t, {
    trustProxy: ['loopback'],
    throttles: { ...GENEROUS, requestsPerMinute: 1 },
  })
  t.equal(await asking(app)('198.51.100.1', { 'x-forwarded-for': '192.0.2.1' }), 200)
  t.equal(await asking(app)('198.51.100.1', { 'x-forwarded-for': '192.0.2.2' }), 429)
})

t.test('behind two proxies, the last address but one is the client’s', async (t) => {
  const app = await buildOffline(t, { trustProxy: 2, throttles: { ...GENEROUS, requestsPerMinute: 1 } })
  const ask = (forwarded: string) => asking(app)('127.0.0.1', { 'x-forwarded-for': forwarded })
  t.equal(await ask('192.0.2.1, 198.51.100.1'), 200)
  t.equal(await ask('192.0.2.77, 192.0.2.1, 198.51.100.2'), 429)
  t.equal(await ask('192.0.2.2, 198.51.100.1'), 200)
})

t.test('sign-ups have a limit of their own, by address', async (t) => {
  let now = 1_000_000
  const app = await buildOffline(t, { throttles: { ...GENEROUS, signUpsPerMinute: 2 }, now: () => now })
  const signUp = (remoteAddress = '127.0.0.1') =>
    app.inject({ method: 'POST', url: '/users', payload: { email: 'no address' }, remoteAddress })
  t.equal((await signUp()).statusCode, 422)
  t.equal((await signUp()).statusCode, 422)
  const refused = await signUp()
  t.match(refused.json(), { status: 429, code: 'TOO_MANY_REQUESTS' })
  t.equal(refused.headers['retry-after'], '60')
  t.equal((await app.inject('/users/1')).statusCode, 401, 'other routes are as before')
  t.equal((await signUp('192.0.2.1')).statusCode, 422, 'and so is another address')
  now += 60_001
  t.equal((await signUp()).statusCode, 422, 'and the next minute')
})

t.test('0 is no limit', async (t) => {
  const app = await buildOffline(t, {
    throttles: { ...GENEROUS, requestsPerMinute: 0, signUpsPerMinute: 0 },
  })
  for (let count = 0; count < 5; count++) {
    t.equal(await asking(app)('127.0.0.1'), 200)
    t.equal((await app.inject({ method: 'POST', url: '/users', payload: {} })).statusCode, 422)
  }
})

t.test(
  'by default, 1,000 requests and 200 sign-ups in a minute pass from one address, and 2,000 do not',
  async (t) => {
    const app = await buildOffline(t, { throttles: readConfig({}).throttles })
    const statuses: number[] = []
    for (let count = 0; count < 200; count++)
      statuses.push((await app.inject({ method: 'POST', url: '/users', payload: {} })).statusCode)
    for (let count = 0; count < 800; count++) statuses.push(await asking(app)('127.0.0.1'))
    t.notOk(statuses.includes(429))
    for (let count = 0; count < 1_000; count++) statuses.push(await asking(app)('127.0.0.1'))
    t.ok(statuses.includes(429))
  },
)

t.test('every operation that can be refused declares it, and no other', async (t) => {
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
