import { Type } from '@sinclair/typebox'
import t from 'tap'
import { jwtKit, rfc9068Kind } from '../src/index.ts'
import { forge } from '../src/testing.ts'
import { CLAIMS, ISSUER, makeKit, ringOf } from './support.ts'

const claims = Type.Object({
  sub: Type.String({ description: 'the user' }),
  client_id: Type.String(),
  scope: Type.Optional(Type.String()),
})
const kinds = { access: rfc9068Kind({ ttl: '5m', claims }) }
const keys = ringOf('RS256')
const kit = jwtKit({ issuer: ISSUER, audience: 'shop-api', keys, kinds })
const good = { sub: '7', client_id: 's6BhdRkqt3' }

t.test('signs what RFC 9068 §2 demands', async (t) => {
  const [header, payload] = kit.access
    .sign(good)
    .split('.')
    .map((part) => Buffer.from(part, 'base64url').toString())
  t.match(JSON.parse(String(header)), { alg: 'RS256', typ: 'at+jwt', kid: '2026-11' })
  t.match(JSON.parse(String(payload)), {
    ...good,
    iss: ISSUER,
    aud: 'shop-api',
    iat: Number,
    exp: Number,
    jti: String,
  })
})

t.test('takes both spellings of the type, in any case', async (t) => {
  for (const typ of ['at+jwt', 'application/at+jwt', 'AT+JWT', 'Application/at+jwt']) {
    const token = forge(kit.access, good, { header: { typ } })
    t.match(await kit.access.verify(token), good, typ)
    t.equal((await kit.explain(token)).claims.find(({ name }) => name === 'sub')?.meaning, 'the user')
  }
  for (const typ of [
    'JWT',
    'access+jwt',
    'application/application/at+jwt',
    'x/at+jwt',
    '',
    null,
    undefined,
    ['at+jwt'],
  ]) {
    await t.rejects(kit.access.verify(forge(kit.access, good, { header: { typ } })), {
      code: 'JWT_KIT_WRONG_KIND',
    })
  }
})

t.test('another kind has one spelling only', async (t) => {
  const { kit } = makeKit()
  for (const typ of ['application/access+jwt', 'ACCESS+JWT']) {
    await t.rejects(kit.access.verify(forge(kit.access, CLAIMS, { header: { typ } })), {
      code: 'JWT_KIT_WRONG_KIND',
    })
  }
})

t.test('refuses a token without a claim that it demands', async (t) => {
  for (const name of ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']) {
    const token = forge(kit.access, good, { claims: { [name]: undefined } })
    await t.rejects(kit.access.verify(token), { code: 'JWT_KIT_CLAIMS', claim: name })
  }
})

t.test('demands an audience of the kit, and sub and client_id of the schema', async (t) => {
  t.throws(() => jwtKit({ issuer: ISSUER, keys, kinds }), { code: 'JWT_KIT_OPTIONS', message: /RFC 9068/ })
  const define = (properties: object) =>
    rfc9068Kind({ ttl: '5m', claims: Type.Object(properties as never) as never })
  for (const properties of [
    {},
    { sub: Type.String() },
    { client_id: Type.String() },
    { sub: Type.Integer(), client_id: Type.String() },
    { sub: Type.String(), client_id: Type.Optional(Type.String()) },
  ]) {
    t.throws(() => define(properties), { code: 'JWT_KIT_OPTIONS', hint: /RFC 9068/ })
  }
  // @ts-expect-error client_id is missing
  t.throws(() => rfc9068Kind({ ttl: '5m', claims: Type.Object({ sub: Type.String() }) }))
})
