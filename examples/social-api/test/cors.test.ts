import t, { type Test } from 'tap'
import { buildOffline } from '../../../test-support/social-api.ts'

const ORIGIN = 'https://app.example'
const PREFLIGHT = {
  'access-control-request-method': 'POST',
  'access-control-request-headers': 'authorization',
}

async function build(t: Test, corsOrigins?: string[]) {
  const app = await buildOffline(t, { ...(corsOrigins && { corsOrigins }) })
  return async (method: 'GET' | 'POST' | 'DELETE' | 'OPTIONS', url: string, headers = {}) => {
    const response = await app.inject({ method, url, headers })
    return { status: response.statusCode, headers: response.headers, body: response.body }
  }
}

t.test('pages of a listed origin can use the service', async (t) => {
  const call = await build(t, ['http://localhost:5173', ORIGIN])

  t.test(
    'a page of a listed origin can read responses, including errors, and the exposed headers',
    async (t) => {
      for (const [method, path, status] of [
        ['GET', '/', 200],
        ['GET', '/nowhere', 404],
        ['GET', '/posts', 401],
        ['POST', '/login', 422],
        ['DELETE', '/login', 405],
      ] as const) {
        const response = await call(method, path, { origin: ORIGIN })
        t.equal(response.status, status, `${method} ${path}`)
        t.equal(response.headers['access-control-allow-origin'], ORIGIN)
        t.equal(
          response.headers['access-control-expose-headers'],
          'Location, Retry-After, WWW-Authenticate, X-Request-Id',
        )
        t.equal(response.headers['access-control-allow-credentials'], undefined)
        t.match(response.headers.vary, /\bOrigin\b/)
      }
    },
  )

  t.test('a preflight from a listed origin is accepted on every route', async (t) => {
    for (const path of ['/posts', '/posts/', '/posts/1', '/login', '/users/me', '/docs', '/nowhere']) {
      const { status, headers } = await call('OPTIONS', path, { origin: ORIGIN, ...PREFLIGHT })
      t.equal(status, 204, path)
      t.equal(headers['access-control-allow-origin'], ORIGIN)
      t.equal(headers['access-control-allow-methods'], 'GET, HEAD, POST, PUT, DELETE')
      t.equal(headers['access-control-allow-headers'], 'authorization')
      t.equal(headers['access-control-max-age'], '600')
      t.equal(headers['access-control-allow-credentials'], undefined)
    }
  })
})

t.test('a page of any other origin gets no CORS header, and its preflight is rejected', async (t) => {
  const call = await build(t, [ORIGIN])
  const others = [
    'https://evil.example',
    'http://app.example',
    `${ORIGIN}.evil.example`,
    `${ORIGIN}:8443`,
    'null',
  ]
  for (const origin of others) {
    const response = await call('GET', '/', { origin })
    t.equal(response.status, 200)
    t.same(corsHeaders(response.headers), [], origin)
    t.match(response.headers.vary, /\bOrigin\b/, 'the response varies by origin for caches')
    const preflight = await call('OPTIONS', '/posts', { origin, ...PREFLIGHT })
    t.equal(preflight.status, 405, origin)
    t.same(corsHeaders(preflight.headers), [], origin)
  }
})

t.test('an OPTIONS request that is not a preflight is a 405, or a 404 on an unknown path', async (t) => {
  const call = await build(t, [ORIGIN])
  for (const headers of [{}, { origin: ORIGIN }, PREFLIGHT]) {
    t.match(await call('OPTIONS', '/posts', headers), {
      status: 405,
      body: /METHOD_NOT_ALLOWED/,
    })
    t.match(await call('OPTIONS', '/nowhere', headers), { status: 404, body: /NOT_FOUND/ })
  }
  t.equal((await call('GET', '/nowhere')).status, 404, 'other methods are a 404 too')
  t.notMatch((await call('GET', '/openapi.json')).body, '"/*"')
})

t.test('CORS_ORIGINS=* allows every origin', async (t) => {
  const call = await build(t, ['*'])
  const { headers } = await call('GET', '/', { origin: 'https://anyone.example' })
  t.equal(headers['access-control-allow-origin'], '*')
  t.equal(headers['access-control-allow-credentials'], undefined)
  const preflight = { origin: 'https://anyone.example', ...PREFLIGHT }
  t.equal((await call('OPTIONS', '/posts', preflight)).status, 204)
})

t.test('without CORS_ORIGINS, no origin is allowed', async (t) => {
  const call = await build(t)
  const { headers } = await call('GET', '/', { origin: ORIGIN })
  t.same(corsHeaders(headers), [])
  t.equal((await call('OPTIONS', '/posts', { origin: ORIGIN, ...PREFLIGHT })).status, 405)
})

function corsHeaders(headers: object): string[] {
  return Object.keys(headers).filter((name) => name.startsWith('access-control'))
}
