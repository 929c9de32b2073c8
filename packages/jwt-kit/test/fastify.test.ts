import fastify, { type FastifyRequest } from 'fastify'
import t from 'tap'
import jwtKitPlugin from '../src/fastify.ts'
import { type JwtKitOptions, jwtKit, keyring } from '../src/index.ts'
import { type Forgery, forge } from '../src/testing.ts'
import {
  accessKind,
  CLAIMS,
  ISSUER,
  makeKit,
  OTHER_SECRET,
  privateKeys,
  refreshKind,
  ringOf,
  SECRET,
} from './support.ts'

interface Decorated {
  jwtVerify(...args: unknown[]): Promise<{ sub: string }>
  jwtKitEngineVerify(...args: unknown[]): Promise<{ sub: string }>
  user: unknown
}
const decorated = (request: FastifyRequest) => request as unknown as Decorated
interface Jwt {
  readonly jwtKit: Jwt
  verify(token: string, options?: object): Promise<unknown>
  sign(payload: object, options?: object): string
  decode(token: string): { payload: unknown }
  lookupToken(request: object): string
}

async function makeApp(keys = ringOf('HS256'), options = {}) {
  const { kit, clock, now } = makeKit(keys)
  const app = fastify()
  await app.register(jwtKitPlugin, { kit, ...options })
  app.get('/', async (request) => {
    const claims = await decorated(request).jwtVerify()
    t.equal(decorated(request).user, claims)
    t.ok(Object.isFrozen(claims))
    return claims
  })
  app.get('/callback', (request, reply) => {
    decorated(request).jwtVerify((problem: unknown, claims: unknown) => reply.send(problem ?? claims))
  })
  app.get('/guarded', { onRequest: kit.access.guard() }, async (request) => kit.access.claims(request))
  const get = (token: string | undefined, url = '/') =>
    app.inject({ url, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
  return { app, kit, clock, now, get, jwt: (app as unknown as { jwt: Jwt }).jwt }
}

/** The ways that take a good token. */
const WAYS = ['plain', 'flat', 'hidden', 'jwt', 'inner']

const { now } = makeKit()
const HOSTILE: Record<string, Forgery> = {
  'another algorithm': { header: { alg: 'HS384' } },
  'no algorithm': { header: { alg: 'none' }, signature: '' },
  'nbf in the future': { claims: { nbf: now + 600 } },
  'nbf 1e300': { claims: { nbf: 1e300 } },
  crit: { header: { crit: ['x'], x: 1 } },
  'crit ""': { header: { crit: '' } },
  'another typ': { header: { typ: 'refresh+jwt' } },
  'no typ': { header: { typ: undefined } },
  'a claim of another type': { claims: { sub: 7 } },
  'exp as text': { claims: { exp: '2030' } },
  'no exp': { claims: { exp: undefined } },
  'no iss': { claims: { iss: undefined } },
  expired: { claims: { iat: now - 100, exp: now - 50 } },
  'an unknown key': { header: { kid: 'constructor' } },
  'no signature': { signature: '' },
  'a short signature': { signature: 'AAAA' },
  'a claim twice': {
    claims: `{"sub":"7","sub":"8","role":"user","iss":"${ISSUER}","iat":${now},"exp":${now + 60},"jti":"1"}`,
  },
  'a payload that is no object': { claims: '[]' },
}

for (const algorithm of ['HS256', 'ES256'] as const) {
  t.test(`${algorithm}: no way that the plugin opens verifies more loosely than the kit`, async (t) => {
    const { app, kit, get, jwt } = await makeApp(ringOf(algorithm))
    app.get('/ways', async (request) => {
      const { token, way } = request.query as { token: string; way: string }
      const verify = { extractToken: () => token }
      const options: Record<string, unknown[]> = {
        plain: [{ verify }],
        flat: [verify],
        hidden: [{ verify, decode: { complete: false } }],
        loose: [
          {
            verify: {
              ...verify,
              algorithms: ['none', 'HS256', 'HS384', 'ES256', 'RS256'],
              ignoreExpiration: true,
              clockTolerance: 1e12,
              allowedCritHeaders: ['x'],
            },
          },
        ],
        key: [{ verify: { ...verify, key: OTHER_SECRET, algorithms: ['HS256'] } }],
      }
      const loosest = { key: OTHER_SECRET, algorithms: ['HS256'], ignoreExpiration: true }
      if (way === 'jwt') return jwt.verify(token, loosest)
      if (way === 'inner') return jwt.jwtKit.verify(token, loosest)
      if (way === 'engine')
        return decorated(request).jwtKitEngineVerify({ verify: { ...verify, ...loosest } })
      if (way === 'engine, hidden') {
        return decorated(request).jwtKitEngineVerify({ verify, decode: { complete: false } })
      }
      return decorated(request).jwtVerify(...(options[way] as unknown[]))
    })
    const hostile: Record<string, string> = {
      'a refresh token': kit.refresh.sign({ sub: '7' }),
      garbage: 'abc',
      'three dots': 'a.b.c',
    }
    for (const [name, forgery] of Object.entries(HOSTILE)) hostile[name] = forge(kit.access, CLAIMS, forgery)
    hostile['another secret'] = forge(kit.access, CLAIMS, {
      keys: keyring('HS256', [{ kid: '2026-11', key: OTHER_SECRET }]),
    })
    const good = kit.access.sign(CLAIMS)
    for (const [name, token] of Object.entries(hostile)) {
      await t.rejects(kit.access.verify(token), { statusCode: 401 } as never)
      for (const url of ['/', '/callback', '/guarded']) {
        const reply = await get(token, url)
        t.equal(reply.statusCode, 401, `${name}, ${url}`)
        t.match(reply.headers['www-authenticate'], /^Bearer error="invalid_token"/)
      }
      for (const way of [...WAYS, 'loose', 'key', 'engine', 'engine, hidden']) {
        const reply = await app.inject({
          url: '/ways',
          query: { token, way },
          headers: { authorization: `Bearer ${good}` },
        })
        if (way.startsWith('engine')) t.ok(reply.statusCode >= 400, `${name}, ${way}`)
        else t.equal(reply.statusCode, 401, `${name}, ${way}`)
      }
    }
    for (const url of ['/', '/callback', '/guarded']) t.match((await get(good, url)).json(), CLAIMS)
    for (const way of WAYS) {
      t.match((await app.inject({ url: '/ways', query: { token: good, way } })).json(), CLAIMS, way)
    }
    const restricted = await app.inject({ url: '/ways', query: { token: good, way: 'key' } })
    t.equal(restricted.statusCode, 401, 'options can only refuse more')
  })
}

t.test('answers a request without credentials as the guard does', async (t) => {
  const { app, get } = await makeApp()
  for (const url of ['/', '/callback', '/guarded']) {
    const none = await get(undefined, url)
    t.same([none.statusCode, none.headers['www-authenticate']], [401, 'Bearer'])
    const basic = await app.inject({ url, headers: { authorization: 'Basic dTpw' } })
    t.same([basic.statusCode, basic.headers['www-authenticate']], [401, 'Bearer'])
    const malformed = await app.inject({ url, headers: { authorization: 'Bearer a b' } })
    t.equal(malformed.statusCode, 400)
    t.match(malformed.headers['www-authenticate'], /^Bearer error="invalid_request"/)
  }
})

t.test('verifies the first kind, or the one that it is told', async (t) => {
  const first = await makeApp()
  t.equal((await first.get(first.kit.access.sign(CLAIMS))).statusCode, 200)
  t.equal((await first.get(first.kit.refresh.sign({ sub: '7' }))).statusCode, 401)
  const second = await makeApp(ringOf('HS256'), { kind: 'refresh' })
  t.equal((await second.get(second.kit.refresh.sign({ sub: '7' }))).statusCode, 200)
  t.equal((await second.get(second.kit.access.sign(CLAIMS))).statusCode, 401)
  await t.rejects(makeApp(ringOf('HS256'), { kind: 'constructor' }), {
    code: 'JWT_KIT_OPTIONS',
    message: /`kind`/,
  })
})

t.test('shares the claims with `claims`, and asks whether the token was revoked', async (t) => {
  const kit = jwtKit({
    issuer: ISSUER,
    keys: ringOf('HS256'),
    kinds: { access: accessKind, refresh: refreshKind },
    revoked: ({ sub }) => sub !== '7',
  })
  const app = fastify()
  await app.register(jwtKitPlugin, { kit })
  app.get('/', async (request) => {
    await decorated(request).jwtVerify()
    return kit.access.claims(request).role
  })
  const get = (sub: string) =>
    app.inject({ url: '/', headers: { authorization: `Bearer ${kit.access.sign({ sub, role: 'user' })}` } })
  t.equal((await get('7')).body, 'user')
  t.equal((await get('8')).statusCode, 401)
})

t.test('rings of several keys, and of none but a key id, work through it', async (t) => {
  const keys = keyring('HS256', [
    { kid: 'a', key: SECRET },
    { kid: 'b', key: OTHER_SECRET },
  ])
  const { kit, get } = await makeApp(keys)
  t.equal((await get(kit.access.sign(CLAIMS))).statusCode, 200)
  const other = makeKit(keyring('HS256', [{ kid: 'b', key: OTHER_SECRET }])).kit
  t.equal((await get(other.access.sign(CLAIMS))).statusCode, 200)
  const alone = await makeApp(keyring('ES256', [{ kid: 'a', key: privateKeys.ES256 }]))
  t.equal((await alone.get(forge(alone.kit.access, CLAIMS, { header: { kid: undefined } }))).statusCode, 200)
})

t.test('signs nothing, and decodes as ever', async (t) => {
  const { app, kit, jwt } = await makeApp()
  t.throws(() => jwt.sign({ sub: '7', role: 'admin' }), /unable to sign/)
  t.throws(() => jwt.sign({ sub: '7' }, { key: SECRET }), /unable to sign/)
  app.get('/sign', async (_request, reply) =>
    (reply as unknown as { jwtSign(payload: object): Promise<string> }).jwtSign({ sub: '7' }),
  )
  t.equal((await app.inject('/sign')).statusCode, 500)
  t.match(jwt.decode(kit.access.sign(CLAIMS)), { payload: CLAIMS })
})

t.test('is there for the whole app, and once', async (t) => {
  const { app, kit } = await makeApp()
  t.ok(app.hasRequestDecorator('jwtVerify'))
  t.ok(app.hasPlugin('@auth-primer/jwt-kit'))
  await t.rejects(Promise.resolve(app.register(jwtKitPlugin, { kit })), /already used/)
})

t.test('has the options of a kit only', async (t) => {
  const options = {
    issuer: ISSUER,
    keys: ringOf('HS256'),
    kinds: { access: accessKind },
  } satisfies JwtKitOptions<{ access: typeof accessKind }>
  t.ok(jwtKit(options))
})
