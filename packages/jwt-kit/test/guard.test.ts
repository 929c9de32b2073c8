import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import fastify from 'fastify'
import t from 'tap'
import { JwtKitError, jwtKit } from '../src/index.ts'
import { forge } from '../src/testing.ts'
import { accessKind, CLAIMS, ISSUER, makeKit, refreshKind, ringOf } from './support.ts'

const INVALID = 'Bearer error="invalid_token", error_description="The access token is invalid"'

/** An app with Fastify's own error handler, and what it logs. */
function makeApp() {
  const lines: Record<string, object>[] = []
  const { kit, clock, now } = makeKit()
  const app = fastify({
    logger: { level: 'info', stream: { write: (line) => lines.push(JSON.parse(line)) } },
  })
  app.get('/me', { onRequest: kit.access.guard() }, async (request) => {
    const { sub, role } = kit.access.claims(request)
    return { sub, role: role satisfies 'user' | 'admin' }
  })
  app.get('/open', async (request) => kit.access.claims(request))
  const get = (authorization?: string, url = '/me') =>
    app.inject({ url, headers: authorization === undefined ? {} : { authorization } })
  return { app, kit, clock, now, get, lines }
}

t.test('lets a good token through, and gives its claims', async (t) => {
  const { get, kit } = makeApp()
  for (const scheme of ['Bearer', 'bearer']) {
    const reply = await get(`${scheme} ${kit.access.sign(CLAIMS)}`)
    t.equal(reply.statusCode, 200)
    t.same(reply.json(), CLAIMS)
    t.notOk(reply.headers['www-authenticate'])
  }
})

t.test('answers by RFC 6750, with no error handler but Fastify’s', async (t) => {
  const { get, kit, clock } = makeApp()
  const expired = kit.access.sign(CLAIMS)
  clock.advance('30m')
  for (const [authorization, status, challenge] of [
    [undefined, 401, 'Bearer'],
    ['Basic dTpw', 401, 'Bearer'],
    ['Bearer', 400, /^Bearer error="invalid_request"/],
    ['Bearer a b', 400, /^Bearer error="invalid_request"/],
    ['Bearer abc', 401, INVALID],
    [`Bearer ${'x'.repeat(9000)}`, 401, INVALID],
    [`Bearer ${kit.refresh.sign({ sub: '7' })}`, 401, INVALID],
    [`Bearer ${expired}`, 401, 'Bearer error="invalid_token", error_description="The access token expired"'],
  ] as const) {
    const reply = await get(authorization)
    t.equal(reply.statusCode, status, authorization ?? 'none')
    t.match(reply.headers['www-authenticate'], challenge)
    t.match(reply.headers['content-type'], /^application\/json/)
  }
})

t.test('tells the log what was wrong, and the client not', async (t) => {
  const { get, kit, lines } = makeApp()
  const bodies = new Set<string>()
  for (const [code, token] of Object.entries({
    JWT_KIT_SIGNATURE: forge(kit.access, CLAIMS, { signature: '' }),
    JWT_KIT_UNKNOWN_KEY: forge(kit.access, CLAIMS, { header: { kid: 'x' } }),
    JWT_KIT_ALGORITHM: forge(kit.access, CLAIMS, { header: { alg: 'none' } }),
    JWT_KIT_CLAIMS: forge(kit.access, CLAIMS, { claims: { role: 'root' } }),
    JWT_KIT_MALFORMED: 'abc',
  })) {
    lines.length = 0
    bodies.add((await get(`Bearer ${token}`)).body)
    const logged = lines.find((line) => line.err)
    t.match(logged?.err, { type: 'JwtKitError', code: 'JWT_KIT_INVALID_TOKEN', reason: code })
    t.notOk(JSON.stringify(lines).includes(token), 'and not the token')
  }
  t.same(
    [...bodies].map((body) => JSON.parse(body)),
    [
      {
        statusCode: 401,
        code: 'JWT_KIT_INVALID_TOKEN',
        error: 'Unauthorized',
        message: 'The access token is invalid',
      },
    ],
  )
})

t.test('gives a service all that it needs to answer in its own way', async (t) => {
  const { app, get, kit } = makeApp()
  let seen: JwtKitError | undefined
  app.setErrorHandler((error, _request, reply) => {
    seen = error as JwtKitError
    return reply.code(418).send('mine')
  })
  t.equal((await get(`Bearer ${forge(kit.access, CLAIMS, { signature: '' })}`)).statusCode, 418)
  t.match(seen, {
    code: 'JWT_KIT_INVALID_TOKEN',
    statusCode: 401,
    challenge: INVALID,
    cause: { code: 'JWT_KIT_SIGNATURE', part: 'signature' },
  })
})

t.test('comes before the body is read', async (t) => {
  const { app, kit } = makeApp()
  app.post(
    '/posts',
    { onRequest: kit.access.guard(), schema: { body: { type: 'object', required: ['title'] } } },
    async () => 'ok',
  )
  const post = (headers: Record<string, string>) =>
    app.inject({
      method: 'POST',
      url: '/posts',
      headers: { 'content-type': 'application/json', ...headers },
      payload: '{',
    })
  t.equal((await post({})).statusCode, 401)
  t.equal((await post({ authorization: `Bearer ${kit.access.sign(CLAIMS)}` })).statusCode, 400)
})

t.test('has no claims for a request that it has not seen', async (t) => {
  const { get, kit } = makeApp()
  const reply = await get(`Bearer ${kit.access.sign(CLAIMS)}`, '/open')
  t.match(reply.json(), { statusCode: 500, code: 'JWT_KIT_NOT_GUARDED' })
  t.throws(() => kit.access.claims({}), { code: 'JWT_KIT_NOT_GUARDED', hint: /guard\(\)/ })
})

t.test('keeps the claims of each kind apart', async (t) => {
  const { app, kit } = makeApp()
  app.get('/refresh', { onRequest: kit.refresh.guard() }, async (request) => {
    t.throws(() => kit.access.claims(request), { code: 'JWT_KIT_NOT_GUARDED' })
    return kit.refresh.claims(request).sub
  })
  t.equal(
    (
      await app.inject({
        url: '/refresh',
        headers: { authorization: `Bearer ${kit.refresh.sign({ sub: '7' })}` },
      })
    ).body,
    '7',
  )
})

t.test('sees two Authorization headers, though Node drops the second', async (t) => {
  const { app, kit } = makeApp()
  await app.listen({ host: '127.0.0.1', port: 0 })
  t.teardown(() => app.close())
  const { port } = app.server.address() as AddressInfo
  const header = `Authorization: Bearer ${kit.access.sign(CLAIMS)}\r\n`
  t.match(await raw(port, header), /^HTTP\/1.1 200/)
  const two = await raw(port, header + header)
  t.match(two, /^HTTP\/1.1 400/)
  t.match(two, /www-authenticate: Bearer error="invalid_request"/)
})

function raw(port: number, headers: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(`GET /me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`),
    )
    socket.on('data', (data) => {
      answer += data
    })
    socket.on('error', reject).on('close', () => resolve(answer))
  })
}

t.test('asks last whether a token was revoked', async (t) => {
  const asked: unknown[] = []
  const answers: Record<string, () => unknown> = {
    good: () => false,
    'good later': async () => false,
    revoked: () => true,
    'revoked later': async () => true,
    throws: () => {
      throw new Error('no connection')
    },
    rejects: async () => {
      throw new Error('no connection')
    },
    'says nothing': () => undefined,
    'says 0': () => 0,
    'says yes': () => 'yes',
  }
  const kit = jwtKit({
    issuer: ISSUER,
    keys: ringOf('HS256'),
    kinds: { access: accessKind, refresh: refreshKind },
    revoked: (claims, kind) => {
      asked.push([claims.sub, kind])
      return answers[claims.sub]?.() as boolean
    },
  })
  const app = fastify()
  app.get('/', { onRequest: kit.refresh.guard() }, async (request) => kit.refresh.claims(request).sub)
  const get = (sub: string) =>
    app.inject({ url: '/', headers: { authorization: `Bearer ${kit.refresh.sign({ sub })}` } })
  for (const [sub, status] of [
    ['good', 200],
    ['good later', 200],
    ['revoked', 401],
    ['revoked later', 401],
    ['throws', 503],
    ['rejects', 503],
    ['says nothing', 503],
    ['says 0', 503],
    ['says yes', 503],
  ] as const) {
    const reply = await get(sub)
    t.equal(reply.statusCode, status, sub)
    t.equal(reply.headers['www-authenticate'], status === 401 ? INVALID : undefined)
    t.notOk(reply.body.includes('no connection'))
  }
  t.same(asked[0], ['good', 'refresh'])
  await t.rejects(kit.refresh.verify(kit.refresh.sign({ sub: 'revoked' })), { code: 'JWT_KIT_REVOKED' })
  await t.rejects(kit.refresh.verify(kit.refresh.sign({ sub: 'throws' })), {
    code: 'JWT_KIT_REVOCATION_UNAVAILABLE',
    cause: { message: 'no connection' },
  })
  asked.length = 0
  await t.rejects(
    kit.refresh.verify(forge(kit.refresh, { sub: 'good' }, { claims: { exp: 1 } })),
    JwtKitError,
  )
  t.same(asked, [], 'and not of a token that is refused anyway')
})
