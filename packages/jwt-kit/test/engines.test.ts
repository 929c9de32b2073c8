import { createPublicKey } from 'node:crypto'
import fastifyJwt from '@fastify/jwt'
import { createSigner, createVerifier } from 'fast-jwt'
import fastify, { type FastifyRequest } from 'fastify'
import t from 'tap'
import jwtKitPlugin from '../src/fastify.ts'
import { keyring, tokenKind } from '../src/index.ts'
import { type Forgery, forge } from '../src/testing.ts'
import { accessKind, CLAIMS, makeKit, OTHER_SECRET, privateKeys, ringOf, SECRET } from './support.ts'

// What the README says of the engines, run; what ours does with the same is beside it.

type Verifying = FastifyRequest & { jwtVerify(): Promise<object>; refreshJwtVerify(): Promise<object> }

async function engineApp(options: object) {
  const app = fastify()
  await app.register(fastifyJwt, options as never)
  app.get('/', async (request) => (request as Verifying).jwtVerify())
  return app
}

async function kitApp(kit: ReturnType<typeof makeKit>['kit']) {
  const app = fastify()
  await app.register(jwtKitPlugin, { kit })
  app.get('/', async (request) => (request as Verifying).jwtVerify())
  return app
}

const get = (app: Awaited<ReturnType<typeof engineApp>>, token: string) =>
  app.inject({ url: '/', headers: { authorization: `Bearer ${token}` } })

const FAULTS: Record<string, Forgery> = {
  'a wrong alg': { header: { alg: 'HS384' } },
  'an nbf in the future': { claims: { nbf: 99_999_999_999 } },
  'an unknown crit': { header: { crit: ['x'], x: 1 } },
  'a wrong typ': { header: { typ: 'refresh+jwt' } },
  'a claim of another type': { claims: { exp: 'tomorrow' } },
}

for (const [fault, forgery] of Object.entries(FAULTS)) {
  t.test(`@fastify/jwt answers ${fault} with a 500, and ours with a 401 and a challenge`, async (t) => {
    const { kit } = makeKit()
    const token = forge(kit.access, CLAIMS, forgery)
    const engine = await get(
      await engineApp({ secret: SECRET, verify: { checkTyp: 'access+jwt', algorithms: ['HS256'] } }),
      token,
    )
    t.equal(engine.statusCode, 500)
    const ours = await get(await kitApp(kit), token)
    t.equal(ours.statusCode, 401)
    t.match(ours.headers['www-authenticate'], /^Bearer error="invalid_token"/)
  })
}

t.test('@fastify/jwt answers a short ES256 signature with a 500, and ours with a 401', async (t) => {
  const { kit } = makeKit(ringOf('ES256'))
  const token = forge(kit.access, CLAIMS, { signature: 'AAAA' })
  const secret = {
    private: privateKeys.ES256.export({ type: 'pkcs8', format: 'pem' }),
    public: createPublicKey(privateKeys.ES256).export({ type: 'spki', format: 'pem' }),
  }
  t.equal((await get(await engineApp({ secret, sign: { algorithm: 'ES256' } }), token)).statusCode, 500)
  t.equal((await get(await kitApp(kit), token)).statusCode, 401)
})

t.test('@fastify/jwt answers an unknown kid with a 500, and ours with a 401', async (t) => {
  const keys: Record<string, string> = { '2026-11': SECRET }
  const secret = async (_request: unknown, token: { header: { kid: string } }) => {
    const key = keys[token.header.kid]
    if (key === undefined) throw new Error('no such key')
    return key
  }
  const { kit } = makeKit()
  const token = forge(kit.access, CLAIMS, { header: { kid: 'other' } })
  t.equal((await get(await engineApp({ secret, decode: { complete: true } }), token)).statusCode, 500)
  t.equal((await get(await kitApp(kit), token)).statusCode, 401)
})

t.test('@fastify/jwt sends no challenge with a 401, and ours does', async (t) => {
  const app = await engineApp({ secret: SECRET })
  for (const headers of [{}, { authorization: 'Bearer abc' }]) {
    const engine = await app.inject({ url: '/', headers })
    t.equal(engine.statusCode, 401)
    t.notOk(engine.headers['www-authenticate'])
    const ours = await (await kitApp(makeKit().kit)).inject({ url: '/', headers })
    t.match(ours.headers['www-authenticate'], /^Bearer/)
  }
})

t.test(
  'two namespaces of @fastify/jwt on one secret take each other’s tokens, and our kinds do not',
  async (t) => {
    const app = fastify()
    await app.register(fastifyJwt, { secret: SECRET, namespace: 'access' })
    await app.register(fastifyJwt, { secret: SECRET, namespace: 'refresh' })
    const { access, refresh } = app.jwt as unknown as Record<string, typeof app.jwt>
    t.match(access?.verify(refresh?.sign({ sub: '7' }) as string), { sub: '7' })
    const { kit } = makeKit()
    await t.rejects(kit.access.verify(kit.refresh.sign({ sub: '7' })), { code: 'JWT_KIT_WRONG_KIND' })
  },
)

t.test('expiresIn: "60" is no second at all, and ours wants a unit', async (t) => {
  const app = await engineApp({
    secret: SECRET,
    sign: { expiresIn: '60', clockTimestamp: 1_795_348_800_000 },
  })
  const { iat, exp } = app.jwt.decode(app.jwt.sign({ sub: '7' })) as { iat: number; exp: number }
  t.equal(exp - iat, 0)
  t.throws(() => tokenKind('x+jwt', { ttl: '60', claims: accessKind.claims }), { code: 'JWT_KIT_OPTIONS' })
})

t.test('the cache of fast-jwt knows a token after its key is gone, and ours has none', async (t) => {
  const keys = new Map([['2026-11', SECRET]])
  const key = async ({ header }: { header: { kid?: string } }) => {
    const found = keys.get(header.kid ?? '')
    if (found === undefined) throw new Error('gone')
    return found
  }
  const cached = createVerifier({ key, cache: true })
  const token = createSigner({ key: SECRET, kid: '2026-11' })({ sub: '7' })
  t.match(await cached(token), { sub: '7' })
  keys.delete('2026-11')
  t.match(await cached(token), { sub: '7' }, 'accepted without a key')
  const ring = (...kids: string[]) =>
    keyring(
      'HS256',
      kids.map((kid) => ({ kid, key: kid === 'old' ? SECRET : OTHER_SECRET })),
    )
  const ours = makeKit(ring('old', 'new')).kit.access.sign(CLAIMS)
  t.match(await makeKit(ring('old', 'new')).kit.access.verify(ours), CLAIMS)
  await t.rejects(makeKit(ring('new')).kit.access.verify(ours), { code: 'JWT_KIT_UNKNOWN_KEY' })
})
