import { Type } from '@sinclair/typebox'
import fastify from 'fastify'
import t from 'tap'
import jwtKitPlugin from '../src/fastify.ts'
import { explainToken, type JwtKitOptions, jwtKit, keyring, tokenKind } from '../src/index.ts'
import { forge } from '../src/testing.ts'
import { accessKind, errorOf, ISSUER, refreshKind, ringOf, SECRET } from './support.ts'

const good = { issuer: ISSUER, keys: ringOf('HS256'), kinds: { access: accessKind } }
const make = (changes: object) => jwtKit({ ...good, ...changes } as JwtKitOptions<typeof good.kinds>)

t.test('takes options that are as described', async (t) => {
  for (const changes of [
    {},
    { audience: 'shop-api' },
    { clockTolerance: '0s' },
    { expiryTolerance: '60s' },
    { now: () => 0 },
    { jti: () => 'x' },
    { revoked: () => false },
  ])
    t.ok(make(changes))
})

t.test('refuses those that are not, when they are given', async (t) => {
  for (const [option, values] of Object.entries({
    issuer: [undefined, '', 7, null],
    audience: ['', 7, null, ['a']],
    keys: [undefined, {}, 'secret', { algorithm: 'HS256' }],
    kinds: [undefined, {}, null],
    now: [7, null],
    jti: ['x', null],
    revoked: [true, null, []],
    clockTolerance: [5, '5', '61s'],
    expiryTolerance: [5, '5', '61s'],
  })) {
    for (const value of values)
      t.throws(
        () => make({ [option]: value }),
        { code: 'JWT_KIT_OPTIONS', statusCode: 500, message: new RegExp(`\`${option}\``) },
        `${option} ${value}`,
      )
  }
  t.throws(() => jwtKit(undefined as never), { code: 'JWT_KIT_OPTIONS' })
})

t.test(
  'refuses kinds under names that are taken or no names, of one type, and what is no kind',
  async (t) => {
    for (const name of [
      'replaceKeys',
      'explain',
      'jwks',
      'securitySchemes',
      'then',
      'toJSON',
      'constructor',
      'Access',
      'my-access',
      '1',
    ]) {
      t.throws(
        () => make({ kinds: { [name]: accessKind } }),
        { code: 'JWT_KIT_OPTIONS', message: /names/ },
        name,
      )
    }
    const twin = tokenKind('access+jwt', { ttl: '1m', claims: Type.Object({}) })
    t.throws(() => make({ kinds: { access: accessKind, twin } }), {
      code: 'JWT_KIT_OPTIONS',
      message: /different types/,
    })
    for (const kind of [undefined, null, {}, 'access+jwt', { typ: 'access+jwt' }])
      t.throws(() => make({ kinds: { access: kind } }), { code: 'JWT_KIT_OPTIONS', message: /kinds\.access/ })
    t.ok(make({ kinds: { access: accessKind, refresh: refreshKind } }))
  },
)

t.test('does not change its options, nor heed a later change of them', async (t) => {
  const options = Object.freeze({ ...good, kinds: Object.freeze({ ...good.kinds }) })
  const kit = jwtKit(options)
  t.ok(Object.isFrozen(kit) && Object.isFrozen(kit.access))
  t.same([kit.access.typ, kit.access.ttl], ['access+jwt', 1800])
})

t.test('an unknown option is an error everywhere, with the known ones as a hint', async (t) => {
  const kit = make({})
  const token = kit.access.sign({ sub: '7', role: 'user' })
  const request = { headers: { authorization: `Bearer ${token}` } }
  const entry = { kid: 'a', key: SECRET }
  const app = fastify()
  for (const [name, call, hint] of [
    ['isRevoked', () => make({ isRevoked: () => true }), /revoked/],
    ['Audience', () => make({ Audience: 'x' }), /audience/],
    [
      'verifyuntil',
      () => keyring('HS256', [{ ...entry, verifyuntil: '2020-01-01T00:00:00Z' } as never]),
      /verifyUntil/,
    ],
    ['privateKey', () => keyring('HS256', [{ ...entry, privateKey: SECRET } as never]), /publicKey/],
    ['expiresIn', () => kit.access.sign({ sub: '7', role: 'user' }, { expiresIn: '1s' } as never), /ttl/],
    [
      'audience',
      () => Reflect.apply(kit.access.verify, kit.access, [token, { audience: 'x' }]),
      /no options/,
    ],
    ['credentialsRequired', () => kit.access.guard({ credentialsRequired: false } as never), /optional/],
    ['Optional', () => kit.access.verifyRequest(request, { Optional: true } as never), /optional/],
    ['expires', () => tokenKind('x+jwt', { ...accessKind, ttl: '1m', expires: 1 } as never), /ttl/],
    ['secret', () => app.register(jwtKitPlugin, { kit, secret: 'x' } as never), /kit, kind/],
    ['orginal', () => explainToken(token, { orginal: token } as never), /original/],
    ['payload', () => forge(kit.access, { sub: '7', role: 'user' }, { payload: {} } as never), /claims/],
  ] as const) {
    const error = await errorOf(call)
    t.match(error, { code: 'JWT_KIT_OPTIONS', hint }, name)
    if (name !== 'expires') t.ok(error.message.includes(`\`${name}\``), error.message)
  }
  t.ok(await Promise.all([token, token].map(kit.access.verify)), 'the index of a list is not an option')
})
