import { Type } from '@sinclair/typebox'
import t from 'tap'
import { jwtKit, tokenKind } from '../src/index.ts'
import { forge, testClock } from '../src/testing.ts'
import { accessKind, CLAIMS, errorOf, ISSUER, makeKit, ringOf } from './support.ts'

type Kit = ReturnType<typeof makeKit>['kit']
const verify = (kit: Kit, claims: object) =>
  kit.access.verify(forge(kit.access, CLAIMS, { claims: { ...claims } }))

t.test('tells a wrong issuer from a missing one', async (t) => {
  const { kit } = makeKit()
  for (const iss of ['https://evil.example', `${ISSUER}/`, ISSUER.toUpperCase(), '']) {
    await t.rejects(verify(kit, { iss }), { code: 'JWT_KIT_WRONG_ISSUER', claim: 'iss', part: 'payload' })
  }
  for (const iss of [undefined, null, 7, [ISSUER], {}])
    await t.rejects(verify(kit, { iss }), { code: 'JWT_KIT_CLAIMS', claim: 'iss' })
  t.match(await verify(kit, {}), { iss: ISSUER })
})

t.test('takes a token for its own audience, and refuses all others', async (t) => {
  const { kit } = makeKit(ringOf('HS256'), 'shop-api')
  for (const aud of ['shop-api', ['shop-api'], ['other', 'shop-api']])
    t.match(await verify(kit, { aud }), { aud })
  for (const aud of ['other', '', 'Shop-api', [], ['other']]) {
    await t.rejects(verify(kit, { aud }), { code: 'JWT_KIT_WRONG_AUDIENCE', claim: 'aud' })
  }
  for (const aud of [undefined, null, 7, {}, ['shop-api', 7], [['shop-api']]]) {
    await t.rejects(verify(kit, { aud }), { code: 'JWT_KIT_CLAIMS', claim: 'aud' })
  }
})

t.test('without an audience, refuses a token that has one', async (t) => {
  const { kit } = makeKit()
  await t.rejects(verify(kit, { aud: 'shop-api' }), { code: 'JWT_KIT_WRONG_AUDIENCE' })
  await t.rejects(verify(kit, { aud: null }), { code: 'JWT_KIT_CLAIMS' })
  t.notOk('aud' in (await verify(kit, {})))
})

t.test('ends on the second of exp, without tolerance', async (t) => {
  const { kit, clock, now } = makeKit()
  const token = kit.access.sign(CLAIMS)
  clock.advance('1799s')
  t.match(await kit.access.verify(token), { exp: now + 1800 })
  clock.advance('1s')
  await t.rejects(kit.access.verify(token), { code: 'JWT_KIT_EXPIRED', claim: 'exp' })
})

t.test('allows other clocks 5 s ahead for iat and nbf, and no more', async (t) => {
  const { kit, now } = makeKit()
  t.match(await verify(kit, { iat: now + 5 }), CLAIMS)
  t.match(await verify(kit, { nbf: now + 5 }), CLAIMS)
  await t.rejects(verify(kit, { iat: now + 6 }), { code: 'JWT_KIT_NOT_YET_VALID', claim: 'iat' })
  await t.rejects(verify(kit, { nbf: now + 6 }), { code: 'JWT_KIT_NOT_YET_VALID', claim: 'nbf' })
})

t.test('takes tolerances of up to 60 s', async (t) => {
  const clock = testClock()
  const now = clock.now() / 1000
  const make = (tolerances: object) =>
    jwtKit({
      issuer: ISSUER,
      keys: ringOf('HS256'),
      kinds: { access: accessKind },
      now: clock.now,
      ...tolerances,
    })
  const kit = make({ clockTolerance: '60s', expiryTolerance: '60s' })
  const token = (claims: object) => forge(kit.access, CLAIMS, { claims: { ...claims } })
  t.match(await kit.access.verify(token({ iat: now + 60 })), CLAIMS)
  t.match(await kit.access.verify(token({ iat: now - 100, exp: now - 59 })), CLAIMS)
  await t.rejects(kit.access.verify(token({ iat: now + 61 })), { code: 'JWT_KIT_NOT_YET_VALID' })
  await t.rejects(kit.access.verify(token({ iat: now - 100, exp: now - 60 })), { code: 'JWT_KIT_EXPIRED' })
  const strict = make({ clockTolerance: '0s' })
  await t.rejects(strict.access.verify(token({ iat: now + 1 })), { code: 'JWT_KIT_NOT_YET_VALID' })
  for (const tolerance of ['61s', '2m', 5, '5', '-1s', null]) {
    t.throws(() => make({ clockTolerance: tolerance }), { code: 'JWT_KIT_OPTIONS' })
    t.throws(() => make({ expiryTolerance: tolerance }), { code: 'JWT_KIT_OPTIONS' })
  }
})

t.test('takes times that are numbers of this age, and nothing else', async (t) => {
  const { kit, now } = makeKit()
  for (const value of [undefined, null, '', String(now), true, [now], {}, -1, 253_402_300_800, 1e300]) {
    for (const claim of ['iat', 'exp'])
      await t.rejects(verify(kit, { [claim]: value }), { code: 'JWT_KIT_CLAIMS', claim })
    if (value !== undefined)
      await t.rejects(verify(kit, { nbf: value }), { code: 'JWT_KIT_CLAIMS', claim: 'nbf' })
  }
  t.match(await verify(kit, { exp: now + 0.5 }), CLAIMS, 'NumericDate may have a fraction (RFC 7519 §2)')
  t.match(await verify(kit, { nbf: now - 10 }), { nbf: now - 10 })
})

t.test('refuses a life that is none, or longer than the longest', async (t) => {
  const { kit, now } = makeKit()
  for (const exp of [now, now - 1, now + 90 * 86_400 + 1])
    await t.rejects(verify(kit, { exp }), { code: 'JWT_KIT_CLAIMS', claim: 'exp' })
  t.match(await verify(kit, { exp: now + 90 * 86_400 }), CLAIMS)
})

t.test('demands a token id', async (t) => {
  const { kit } = makeKit()
  for (const jti of [undefined, null, '', 7])
    await t.rejects(verify(kit, { jti }), { code: 'JWT_KIT_CLAIMS', claim: 'jti' })
})

t.test('lets nothing pass when the clock gives no number', async (t) => {
  const { kit } = makeKit()
  const token = kit.access.sign(CLAIMS)
  for (const time of [Number.NaN, undefined]) {
    const broken = jwtKit({
      issuer: ISSUER,
      keys: ringOf('HS256'),
      kinds: { access: accessKind },
      now: () => time as number,
    })
    t.match(await errorOf(() => broken.access.verify(token)), { statusCode: 401 })
  }
})

t.test('a schema that has no claims is checked all the same', async (t) => {
  const kit = jwtKit({
    issuer: ISSUER,
    keys: ringOf('HS256'),
    kinds: { x: tokenKind('x+jwt', { ttl: '1m', claims: Type.Object({}) }) },
  })
  t.match(await kit.x.verify(kit.x.sign({})), { iss: ISSUER })
})
