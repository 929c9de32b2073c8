import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import t, { type Test } from 'tap'
import jwtKitPlugin from '../src/fastify.ts'
import { bearerToken, JwtKitError, keyring } from '../src/index.ts'
import { forge } from '../src/testing.ts'
import { CLAIMS, errorOf, makeKit, OTHER_SECRET, privateKeys, SECRET } from './support.ts'

const { kit } = makeKit()
const good = `Bearer ${kit.access.sign(CLAIMS)}`
const forged = `Bearer ${forge(kit.access, CLAIMS, { signature: 'AAAA' })}`
const refresh = `Bearer ${kit.refresh.sign({ sub: '7' })}`
const INVALID = 'Bearer error="invalid_token", error_description="The access token is invalid"'

/** The requests that every framework must answer alike, with the status and the challenge. */
const CASES = [
  [good, 200, null],
  [undefined, 401, 'Bearer'],
  ['Basic dTpw', 401, 'Bearer'],
  ['Bearer a b', 400, /invalid_request/],
  [forged, 401, INVALID],
  [refresh, 401, INVALID],
] as const

type Get = (path: string, authorization?: string) => Promise<Response>

async function checkCases(t: Test, get: Get): Promise<void> {
  for (const [authorization, status, challenge] of CASES) {
    const response = await get('/me', authorization)
    t.equal(response.status, status, authorization?.slice(0, 12) ?? 'none')
    t.match(response.headers.get('www-authenticate'), challenge)
    if (status === 200) t.same(await response.json(), { sub: '7' })
  }
}

/** Asks a server for a path. */
function createGet(port: number): Get {
  return (path, authorization) =>
    fetch(
      `http://127.0.0.1:${port}${path}`,
      authorization === undefined ? {} : { headers: { authorization } },
    )
}

t.test('guard() is a middleware of Express, whose own error handler answers by RFC 6750', async (t) => {
  const app = express()
  app.set('env', 'test')
  app.get('/me', kit.access.guard(), (request, response) => {
    response.json({ sub: kit.access.claims(request).sub })
  })
  app.get('/optional', kit.access.guard({ optional: true }), (request, response) => {
    response.json({ sub: kit.access.optionalClaims(request)?.sub ?? null })
  })
  app.get('/open', (request, response) => {
    response.json(kit.access.claims(request))
  })
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const get = createGet((server.address() as AddressInfo).port)
  await checkCases(t, get)
  t.same(await (await get('/optional')).json(), { sub: null })
  t.same(await (await get('/optional', good)).json(), { sub: '7' })
  t.equal((await get('/optional', forged)).status, 401)
  t.equal((await get('/open', good)).status, 500, 'claims without a guard')
})

t.test('guard() is awaited in a server of node:http', async (t) => {
  const guard = kit.access.guard()
  const server = createServer(async (request, response) => {
    try {
      await guard(request)
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ sub: kit.access.claims(request).sub }))
    } catch (error) {
      const { statusCode, headers } = error as JwtKitError
      response.writeHead(statusCode, headers).end()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  await checkCases(t, createGet((server.address() as AddressInfo).port))
})

t.test('verifyRequest() verifies a fetch Request', async (t) => {
  const handle = async (request: Request) => {
    try {
      const { sub } = await kit.access.verifyRequest(request)
      t.equal(kit.access.claims(request).sub, sub)
      return Response.json({ sub })
    } catch (error) {
      if (!(error instanceof JwtKitError)) throw error
      return new Response(error.message, { status: error.statusCode, headers: error.headers ?? {} })
    }
  }
  await checkCases(t, (path, authorization) =>
    handle(
      new Request(
        `http://shop.example${path}`,
        authorization === undefined ? {} : { headers: { authorization } },
      ),
    ),
  )
  const twice = new Request('http://shop.example', {
    headers: [
      ['authorization', good],
      ['authorization', good],
    ],
  })
  t.equal((await handle(twice)).status, 400, 'two Authorization headers, which fetch joins')
})

t.test('verifyRequest() verifies the request of Hono', async (t) => {
  const app = new Hono()
  app.onError((error, c) => {
    if (!(error instanceof JwtKitError)) throw error
    return c.json({ message: error.message }, error.statusCode as 401, { ...error.headers })
  })
  app.get('/me', async (c) => c.json({ sub: (await kit.access.verifyRequest(c.req.raw)).sub }))
  await checkCases(t, async (path, authorization) =>
    app.request(path, authorization === undefined ? {} : { headers: { authorization } }),
  )
})

t.test('the Fastify plugin answers as the guard does', async (t) => {
  const app = fastify()
  await app.register(jwtKitPlugin, { kit })
  app.get('/me', { onRequest: (request) => request.jwtVerify() }, async (request) => {
    t.equal(request.user, kit.access.claims(request))
    return { sub: kit.access.claims(request).sub }
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  await checkCases(t, createGet((app.server.address() as AddressInfo).port))
})

t.test('an optional guard lets a request without a token pass, and none with a bad one', async (t) => {
  const request = (authorization?: string) => ({ headers: { authorization } })
  for (const anonymous of [request(), request(''), request('Basic dTpw')]) {
    t.equal(await kit.access.verifyRequest(anonymous, { optional: true }), undefined)
    t.equal(kit.access.optionalClaims(anonymous), undefined)
    t.throws(() => kit.access.claims(anonymous), { code: 'JWT_KIT_NOT_GUARDED', hint: /optionalClaims/ })
  }
  const known = request(good)
  t.match(await kit.access.verifyRequest(known, { optional: true }), CLAIMS)
  t.match([kit.access.claims(known), kit.access.optionalClaims(known)], [CLAIMS, CLAIMS])
  for (const [authorization, code] of [
    [forged, 'JWT_KIT_INVALID_TOKEN'],
    [refresh, 'JWT_KIT_INVALID_TOKEN'],
    ['Bearer a b', 'JWT_KIT_INVALID_REQUEST'],
  ] as const) {
    const refused = request(authorization)
    await t.rejects(kit.access.verifyRequest(refused, { optional: true }), { code })
    t.throws(() => kit.access.optionalClaims(refused), { code: 'JWT_KIT_NOT_GUARDED' })
  }
  await t.rejects(kit.access.verifyRequest(request(), { optional: false }), {
    code: 'JWT_KIT_NO_CREDENTIALS',
  })
  t.throws(() => kit.access.optionalClaims(request()), { code: 'JWT_KIT_NOT_GUARDED' }, 'nor without a guard')
})

t.test('admit() lets a request pass by a token from a cookie, once it is verified', async (t) => {
  const request = { headers: { cookie: 'token=…' } }
  t.throws(() => kit.access.claims(request), { code: 'JWT_KIT_NOT_GUARDED' })
  for (const [token, code] of [
    [undefined, 'JWT_KIT_NO_CREDENTIALS'],
    ['', 'JWT_KIT_NO_CREDENTIALS'],
    ['abc', 'JWT_KIT_INVALID_TOKEN'],
    [kit.refresh.sign({ sub: '7' }), 'JWT_KIT_INVALID_TOKEN'],
  ] as const) {
    await t.rejects(kit.access.admit(request, token), { code, statusCode: 401 })
    t.throws(() => kit.access.claims(request), { code: 'JWT_KIT_NOT_GUARDED' })
  }
  t.match(await kit.access.admit(request, kit.access.sign(CLAIMS)), CLAIMS)
  // @ts-expect-error it has no options
  await t.rejects(kit.access.admit(request, kit.access.sign(CLAIMS), { optional: true }), {
    code: 'JWT_KIT_OPTIONS',
  })
  t.match(kit.access.claims(request), CLAIMS)
})

t.test('bearerToken() reads the header of every kind of request', async (t) => {
  const authorization = 'Bearer abc'
  const rawHeaders = ['Authorization', authorization]
  for (const request of [
    { headers: { authorization } },
    { headers: { authorization }, rawHeaders },
    { headers: { authorization }, raw: { rawHeaders } },
    new Request('http://shop.example', { headers: { authorization } }),
  ])
    t.equal(bearerToken(request), 'abc')
  const twice = [...rawHeaders, ...rawHeaders]
  t.throws(() => bearerToken({ headers: { authorization }, rawHeaders: twice }), {
    code: 'JWT_KIT_INVALID_REQUEST',
  })
  t.throws(() => bearerToken({ headers: { authorization }, raw: { rawHeaders: twice } }), {
    code: 'JWT_KIT_INVALID_REQUEST',
  })
})

t.test('replaceKeys() reaches guards and plugins that exist already', async (t) => {
  const { kit } = makeKit(keyring('HS256', [{ kid: 'old', key: SECRET }]))
  const app = fastify()
  await app.register(jwtKitPlugin, { kit })
  app.get('/guard', { onRequest: kit.access.guard() }, async () => 'ok')
  app.get('/plugin', { onRequest: (request) => request.jwtVerify() }, async () => 'ok')
  app.get('/options', { onRequest: (request) => request.jwtVerify({ onlyCookie: false }) }, async () => 'ok')
  const statuses = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` }
    const urls = ['/guard', '/plugin', '/options']
    return Promise.all(urls.map(async (url) => (await app.inject({ url, headers })).statusCode))
  }
  const old = kit.access.sign(CLAIMS)
  t.same(await statuses(old), [200, 200, 200])

  const both = [
    { kid: 'new', key: OTHER_SECRET },
    { kid: 'old', key: SECRET },
  ]
  kit.replaceKeys(keyring('HS256', both))
  const next = kit.access.sign(CLAIMS)
  t.match(JSON.parse(Buffer.from(next.split('.')[0] as string, 'base64url').toString()), { kid: 'new' })
  for (const token of [old, next]) t.same(await statuses(token), [200, 200, 200])

  kit.replaceKeys(keyring('HS256', both.slice(0, 1)))
  t.same(await statuses(old), [401, 401, 401])
  t.same(await statuses(next), [200, 200, 200])

  const wrong = await errorOf(() => kit.replaceKeys({ algorithm: 'HS256' } as never))
  t.match(wrong, { code: 'JWT_KIT_OPTIONS', message: /`keys`/ })
  t.same(await statuses(next), [200, 200, 200], 'and the keys stay')

  kit.replaceKeys(keyring('ES256', [{ kid: 'new', key: privateKeys.ES256 }]))
  t.same(await statuses(next), [401, 401, 401], 'another algorithm with the same key id')
  t.same(await statuses(kit.access.sign(CLAIMS)), [200, 200, 200])
  t.equal(kit.jwks().keys[0]?.alg, 'ES256')
})

t.test('jwtVerify() works on a ring of Ed25519, and says why it has no options there', async (t) => {
  const { kit } = makeKit(keyring('Ed25519', [{ kid: 'a', key: privateKeys.Ed25519 }]))
  const app = fastify()
  await app.register(jwtKitPlugin, { kit })
  app.get('/', { onRequest: (request) => request.jwtVerify() }, async () => 'ok')
  app.get('/options', { onRequest: (request) => request.jwtVerify({ onlyCookie: false }) }, async () => 'ok')
  const headers = { authorization: `Bearer ${kit.access.sign(CLAIMS)}` }
  t.equal((await app.inject({ url: '/', headers })).statusCode, 200)
  t.match((await app.inject({ url: '/options', headers })).json(), {
    statusCode: 500,
    code: 'JWT_KIT_OPTIONS',
  })
})
