import t from 'tap'
import { bearerToken } from '../src/guard.ts'

const of = (...values: readonly string[]) =>
  bearerToken({
    raw: { rawHeaders: values.flatMap((value) => ['Authorization', value]) },
    headers: { authorization: values[0] },
  })

t.test('takes the token of a Bearer header', async (t) => {
  for (const value of ['Bearer abc', 'bearer abc', 'BEARER abc', 'Bearer  abc']) t.equal(of(value), 'abc')
  t.equal(of('Bearer aZ0-._~+/x=='), 'aZ0-._~+/x==')
})

t.test('without one, or with another scheme, there are no credentials', async (t) => {
  t.throws(() => of(), { code: 'JWT_KIT_NO_CREDENTIALS' })
  for (const value of [
    '',
    'Basic dTpw',
    'Bearerx abc',
    'Bearer-x abc',
    'bearer_ abc',
    'Token Bearer abc',
    'abc',
    'Digest username="Bearer"',
  ]) {
    t.throws(() => of(value), { code: 'JWT_KIT_NO_CREDENTIALS', challenge: 'Bearer' }, value)
  }
})

t.test('a malformed Bearer header is no valid request', async (t) => {
  for (const value of [
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer a,b',
    'Bearer a, Bearer b',
    'Bearer "a"',
    'Bearer\tabc',
    'Bearer \tabc',
    'Bearer=abc',
    'Bearer:abc',
    'Bearer,abc',
    'Bearer ä',
    'Bearer =',
    'Bearer a=b',
    'Bearer a ',
    'Bearer a\n',
  ]) {
    t.throws(() => of(value), { code: 'JWT_KIT_INVALID_REQUEST', statusCode: 400 }, JSON.stringify(value))
  }
})

t.test('nor are two Authorization headers, be they alike', async (t) => {
  t.throws(() => of('Bearer a', 'Bearer b'), { code: 'JWT_KIT_INVALID_REQUEST', message: /two/ })
  t.throws(() => of('Bearer a', 'Bearer a'), { code: 'JWT_KIT_INVALID_REQUEST' })
  t.throws(() => of('Basic a', 'Bearer a'), { code: 'JWT_KIT_INVALID_REQUEST' })
  const rawHeaders = ['authorization', 'Bearer a', 'AUTHORIZATION', 'Bearer b']
  t.throws(() => bearerToken({ raw: { rawHeaders }, headers: { authorization: 'Bearer a' } }), {
    code: 'JWT_KIT_INVALID_REQUEST',
  })
})

t.test('looks at names only, and does without raw headers', async (t) => {
  const rawHeaders = [
    'X-Kind',
    'Authorization',
    'Authorization',
    'Bearer a',
    'X-Other',
    'authorization',
    'x-13-letters-',
    'y',
  ]
  t.equal(bearerToken({ raw: { rawHeaders }, headers: { authorization: 'Bearer a' } }), 'a')
  t.equal(bearerToken({ raw: {}, headers: { authorization: 'Bearer a' } }), 'a')
  t.throws(() => bearerToken({ raw: {}, headers: { authorization: ['Bearer a'] as never } }), {
    code: 'JWT_KIT_INVALID_REQUEST',
  })
})
