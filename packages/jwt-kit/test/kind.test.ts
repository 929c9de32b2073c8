import { Type } from '@sinclair/typebox'
import t from 'tap'
import { LONGEST_LIFE, tokenKind } from '../src/index.ts'

const claims = Type.Object({ sub: Type.String() })

t.test('takes a type of its own that ends in +jwt', async (t) => {
  for (const typ of ['access+jwt', 'refresh+jwt', 'vnd.shop.invite+jwt', 'x-1+jwt'])
    t.equal(tokenKind(typ, { ttl: '30m', claims }).typ, typ)
})

t.test('refuses one that tells no kinds apart', async (t) => {
  for (const typ of [
    'JWT',
    'jwt',
    '+jwt',
    'access',
    'Access+jwt',
    'access+JWT',
    'application/access+jwt',
    'a b+jwt',
    '',
    `${'x'.repeat(42)}+jwt`,
    undefined,
    null,
    7,
  ]) {
    t.throws(() => tokenKind(typ as string, { ttl: '30m', claims }), { code: 'JWT_KIT_OPTIONS' })
  }
})

t.test("refuses RFC 9068's type without the rest of RFC 9068", async (t) => {
  t.throws(() => tokenKind('at+jwt', { ttl: '30m', claims }), {
    code: 'JWT_KIT_OPTIONS',
    hint: /rfc9068Kind/,
  })
})

t.test('takes a life with a unit, up to the longest', async (t) => {
  t.equal(tokenKind('x+jwt', { ttl: '30m', claims }).ttl, 1800)
  t.equal(tokenKind('x+jwt', { ttl: LONGEST_LIFE, claims }).ttl, 90 * 86_400)
  for (const ttl of [60, '60', '0s', '91d', undefined]) {
    t.throws(() => tokenKind('x+jwt', { ttl: ttl as string, claims }), {
      code: 'JWT_KIT_OPTIONS',
      message: /`ttl`/,
    })
  }
  t.throws(() => tokenKind('x+jwt', undefined as never), { code: 'JWT_KIT_OPTIONS' })
})
