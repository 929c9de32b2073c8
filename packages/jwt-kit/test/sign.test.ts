import { createPublicKey } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import { jwtVerify } from 'jose'
import t from 'tap'
import { ALGORITHMS, explainToken, jwtKit, keyring, tokenKind } from '../src/index.ts'
import {
  CLAIMS,
  errorOf,
  ISSUER,
  isAsymmetric,
  LONG_SECRET,
  makeKit,
  privateKeys,
  ringOf,
  SECRET,
} from './support.ts'

for (const algorithm of ALGORITHMS) {
  t.test(`${algorithm}: signs what another library verifies`, async (t) => {
    const { kit } = makeKit(ringOf(algorithm), 'shop-api')
    const key = isAsymmetric(algorithm)
      ? createPublicKey(privateKeys[algorithm])
      : Buffer.from(algorithm === 'HS256' ? SECRET : LONG_SECRET)
    const options = {
      issuer: ISSUER,
      audience: 'shop-api',
      typ: 'access+jwt',
      algorithms: [algorithm],
      currentDate: new Date('2026-11-22T12:00:00Z'),
    }
    const { payload, protectedHeader } = await jwtVerify(kit.access.sign(CLAIMS), key, options)
    t.match(payload, { ...CLAIMS, iss: ISSUER, aud: 'shop-api' })
    t.same(protectedHeader, { alg: algorithm, typ: 'access+jwt', kid: '2026-11' })
  })
}

t.test('writes the registered claims itself', async (t) => {
  const { kit, now } = makeKit()
  const claims = await kit.access.verify(kit.access.sign(CLAIMS))
  t.match(claims, { iss: ISSUER, iat: now, exp: now + 1800 })
  t.match(claims.jti, /^[0-9a-f-]{36}$/)
  t.not((await kit.access.verify(kit.access.sign(CLAIMS))).jti, claims.jti, 'an id of its own for each token')
  for (const name of ['iss', 'aud', 'iat', 'exp', 'nbf', 'jti']) {
    t.throws(() => kit.access.sign({ ...CLAIMS, [name]: 1 } as never), {
      code: 'JWT_KIT_SIGN_CLAIMS',
      claim: name,
    })
  }
})

t.test('takes the token id from where it is told', async (t) => {
  const kit = jwtKit({ issuer: ISSUER, keys: ringOf('HS256'), jti: () => 'one', kinds: makeKinds() })
  t.match(await kit.x.verify(kit.x.sign({ n: 1 })), { jti: 'one' })
})

const makeKinds = () => ({
  x: tokenKind('x+jwt', {
    ttl: '1m',
    claims: Type.Object({
      n: Type.Number(),
      o: Type.Optional(Type.Object({ a: Type.Optional(Type.String()), b: Type.Optional(Type.Unknown()) })),
    }),
  }),
})

t.test('signs a shorter life, and a later start, but no longer one', async (t) => {
  const { kit, clock, now } = makeKit()
  t.match(await kit.access.verify(kit.access.sign(CLAIMS, { ttl: '1m' })), { exp: now + 60 })
  for (const ttl of ['31m', '0s', '60', 60])
    t.throws(() => kit.access.sign(CLAIMS, { ttl: ttl as string }), { code: 'JWT_KIT_OPTIONS' })
  const later = kit.access.sign(CLAIMS, { notBefore: '10m' })
  await t.rejects(kit.access.verify(later), { code: 'JWT_KIT_NOT_YET_VALID', claim: 'nbf' })
  clock.advance('10m')
  t.match(await kit.access.verify(later), { iat: now, nbf: now + 600, exp: now + 1800 })
  t.throws(
    () => kit.access.sign(CLAIMS, { notBefore: '30m' }),
    { code: 'JWT_KIT_OPTIONS' },
    'it would never be valid',
  )
})

t.test('does not sign what is no object', async (t) => {
  const { kit } = makeKit()
  for (const claims of [undefined, null, 7, 'x', [], () => ({})]) {
    t.throws(() => kit.access.sign(claims as never), {
      code: 'JWT_KIT_SIGN_CLAIMS',
      statusCode: 500,
      claim: undefined,
    })
  }
})

t.test('checks what will be read from the token, whatever an object says of itself', async (t) => {
  const kit = jwtKit({ issuer: ISSUER, keys: ringOf('HS256'), kinds: makeKinds() })
  const code = { code: 'JWT_KIT_SIGN_CLAIMS' }
  class Sly {
    a = 'harmless'
    toJSON() {
      return { a: 'x', admin: true }
    }
  }
  t.throws(() => kit.x.sign({ n: 1, o: new Sly() }), { ...code, claim: 'o' })
  t.throws(() => kit.x.sign({ n: Number.NaN }), { ...code, claim: 'n' })
  t.throws(() => kit.x.sign({ n: Number.POSITIVE_INFINITY }), code)
  t.throws(() => kit.x.sign({ n: 1, o: { b: 1n } }), code)
  const cycle: Record<string, unknown> = {}
  cycle.b = cycle
  t.throws(() => kit.x.sign({ n: 1, o: cycle }), code)
  let reads = 0
  const shifty = {
    get n() {
      return reads++ === 0 ? 1 : ('x' as never)
    },
  }
  t.match(await kit.x.verify(kit.x.sign(shifty)), { n: 1 })
  t.equal(reads, 1, 'a getter is asked once')
  const inherited = Object.create({ n: 1 })
  t.throws(() => kit.x.sign(inherited), { ...code, claim: 'n' }, 'what is inherited is not signed')
  t.match(await kit.x.verify(kit.x.sign({ n: 1, o: { a: 'x' } })), { o: { a: 'x' } })
})

t.test('does not change what it is given', async (t) => {
  const { kit } = makeKit()
  const claims = { ...CLAIMS }
  kit.access.sign(Object.freeze(claims))
  t.same(claims, CLAIMS)
})

t.test('refuses a payload of more than 4 KiB', async (t) => {
  const { kit } = makeKit()
  t.ok(kit.refresh.sign({ sub: 'x'.repeat(3900) }))
  t.throws(() => kit.refresh.sign({ sub: 'x'.repeat(4096) }), {
    code: 'JWT_KIT_SIGN_TOO_LARGE',
    statusCode: 500,
    part: 'payload',
  })
})

t.test('does not say in an error what it was given', async (t) => {
  const { kit } = makeKit()
  const error = await errorOf(() => kit.access.sign({ sub: '7', role: 'hunter2' as 'user' }))
  t.notOk(`${error.stack}${JSON.stringify(error)}`.includes('hunter2'))
})

t.test('has no key to sign with where all are retired or public', async (t) => {
  const retired = makeKit(
    keyring('HS256', [{ kid: 'a', key: SECRET, verifyUntil: '2030-01-01T00:00:00Z' }]),
  ).kit
  t.throws(() => retired.access.sign(CLAIMS), { code: 'JWT_KIT_NO_SIGNING_KEY', statusCode: 500 })
})

t.test('the message names the claim, and whether it is missing, wrong or extra', async (t) => {
  const { kit } = makeKit()
  for (const [claims, claim, message] of [
    [{ sub: '7' }, 'role', 'The claim role is missing'],
    [{ sub: '7', role: undefined }, 'role', 'The claim role is missing'],
    [{ sub: '7', role: 'root' }, 'role', 'The claim role is not as the schema describes it'],
    [{ sub: 7, role: 'user' }, 'sub', 'The claim sub is not as the schema describes it'],
    [{ ...CLAIMS, admin: true }, 'admin', 'The claim admin is not in the schema'],
    [{ ...CLAIMS, exp: 1 }, 'exp', 'The claim exp is not in the schema'],
    [null, undefined, 'The claims are not an object as the schema describes it'],
  ] as const) {
    const error = await errorOf(() => kit.access.sign(claims as never))
    t.match(error, { code: 'JWT_KIT_SIGN_CLAIMS', message })
    t.equal(error.claim, claim)
    t.notOk(error.message.includes('root'))
  }
})

t.test('a lifetime that is not in an object is refused, and does not become the longest one', async (t) => {
  const { kit } = makeKit()
  for (const options of ['1s', 60, null, [], true]) {
    t.throws(() => kit.access.sign(CLAIMS, options as never), {
      code: 'JWT_KIT_OPTIONS',
      message: /options of sign/,
    })
  }
  const tokens = [kit.access.sign(CLAIMS), kit.access.sign(CLAIMS, undefined)]
  t.equal((await Promise.all(tokens.map(kit.access.verify as (token: string) => Promise<unknown>))).length, 2)
  t.throws(() => explainToken(tokens[0] as string, tokens[1] as never), { code: 'JWT_KIT_OPTIONS' })
})
