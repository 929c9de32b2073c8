import { Type } from '@sinclair/typebox'
import t from 'tap'
import { type JwtKitOptions, jwtKit, tokenKind } from '../src/index.ts'
import { accessKind, ISSUER, refreshKind, ringOf } from './support.ts'

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
      'plugin',
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
