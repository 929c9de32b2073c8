import { FormatRegistry, type TSchema, Type } from '@sinclair/typebox'
import t from 'tap'
import { compileClaims, jwtKit, tokenKind } from '../src/index.ts'
import { REGISTERED } from '../src/schema.ts'
import { forge } from '../src/testing.ts'
import { ISSUER, makeKit, ringOf } from './support.ts'

const kindOf = (properties: Record<string, TSchema>) =>
  tokenKind('x+jwt', { ttl: '1m', claims: Type.Object(properties) })
const kitOf = (claims: ReturnType<typeof Type.Object>) =>
  jwtKit({ issuer: ISSUER, keys: ringOf('HS256'), kinds: { x: tokenKind('x+jwt', { ttl: '1m', claims }) } })

t.test('leaves the registered claims to the kit', async (t) => {
  for (const name of REGISTERED) {
    t.throws(() => kindOf({ [name]: Type.String() }), {
      code: 'JWT_KIT_OPTIONS',
      message: new RegExp(`claim ${name} is the kit's`),
    })
  }
  t.ok(kindOf({ sub: Type.String() }), 'who the subject is, the service says')
})

t.test('takes a TypeBox object that names every claim', async (t) => {
  const code = { code: 'JWT_KIT_OPTIONS' }
  for (const claims of [
    undefined,
    {},
    { type: 'object', properties: {} },
    Type.String(),
    Type.Record(Type.String(), Type.String()),
  ]) {
    t.throws(() => tokenKind('x+jwt', { ttl: '1m', claims: claims as never }), code)
  }
  t.throws(
    () => tokenKind('x+jwt', { ttl: '1m', claims: Type.Object({}, { additionalProperties: true }) }),
    code,
  )
  t.throws(
    () => tokenKind('x+jwt', { ttl: '1m', claims: Type.Object({}, { additionalProperties: Type.String() }) }),
    code,
  )
  t.ok(tokenKind('x+jwt', { ttl: '1m', claims: Type.Object({}, { additionalProperties: false }) }))
})

t.test('refuses what JSON cannot carry, and what cannot be compiled', async (t) => {
  for (const type of [
    Type.Date(),
    Type.BigInt(),
    Type.Uint8Array(),
    Type.Array(Type.Date()),
    Type.Object({ at: Type.Date() }),
    Type.Union([Type.Null(), Type.Date()]),
    Type.Ref('nothing'),
  ]) {
    t.throws(() => kindOf({ it: type }), { code: 'JWT_KIT_OPTIONS' })
  }
  t.throws(() => kindOf({ ['__proto__']: Type.String() }), { code: 'JWT_KIT_OPTIONS', message: /__proto__/ })
  t.ok(kindOf({ it: Type.Union([Type.Null(), Type.Array(Type.Object({ at: Type.Integer() }))]) }))
})

t.test('knows a format only once it is registered', async (t) => {
  t.throws(() => kindOf({ it: Type.String({ format: 'colour' }) }), {
    code: 'JWT_KIT_OPTIONS',
    message: /`format`/,
  })
  FormatRegistry.Set('colour', (value) => value === 'red')
  t.teardown(() => FormatRegistry.Delete('colour'))
  t.ok(kindOf({ it: Type.String({ format: 'colour' }) }))
})

t.test('signs no member that the schema does not name, at any depth', async (t) => {
  const inner = Type.Object({ a: Type.Integer() })
  const kit = kitOf(
    Type.Object({
      one: Type.Optional(inner),
      many: Type.Optional(Type.Array(inner)),
      either: Type.Optional(Type.Union([inner, Type.Null()])),
      pair: Type.Optional(Type.Tuple([inner, inner])),
      'a/b~c': Type.Optional(Type.Integer()),
      open: Type.Optional(Type.Object({}, { additionalProperties: true })),
    }),
  )
  const good = { a: 1 }
  const wrong = { a: 1, b: 2 }
  t.ok(
    kit.x.sign({ one: good, many: [good], either: null, pair: [good, good], 'a/b~c': 1, open: { any: 1 } }),
  )
  for (const [claim, value] of Object.entries({
    one: wrong,
    many: [good, wrong],
    either: wrong,
    pair: [good, wrong],
    'a/b~c': 'x',
  })) {
    t.throws(() => kit.x.sign({ [claim]: value }), { code: 'JWT_KIT_SIGN_CLAIMS', claim })
  }
})

t.test('gives back no claim that the schema does not name, and does not mind it', async (t) => {
  const { kit } = makeKit()
  const claims = await kit.access.verify(
    forge(kit.access, { sub: '7', role: 'user' }, { claims: { extra: 1, also: {} } }),
  )
  t.same(Object.keys(claims).sort(), ['exp', 'iat', 'iss', 'jti', 'role', 'sub'])
})

t.test('refuses such a claim where the schema is closed', async (t) => {
  const kit = kitOf(Type.Object({ sub: Type.String() }, { additionalProperties: false }))
  t.match(await kit.x.verify(kit.x.sign({ sub: '7' })), { sub: '7' })
  const error = { code: 'JWT_KIT_CLAIMS', part: 'payload', claim: undefined }
  await t.rejects(kit.x.verify(forge(kit.x, { sub: '7' }, { claims: { extra: 1 } })), error)
})

t.test('names no claim where the whole is at fault', async (t) => {
  const kit = kitOf(Type.Object({ sub: Type.String() }, { minProperties: 9 }))
  t.throws(() => kit.x.sign({ sub: '7' }), { code: 'JWT_KIT_SIGN_CLAIMS', claim: undefined })
  await t.rejects(kit.x.verify(forge(kit.x, { sub: '7' })), { code: 'JWT_KIT_CLAIMS', claim: undefined })
})

t.test(
  'compileClaims() names the claim that is wrong, and accepts sensitive names only if it is told to',
  async (t) => {
    const claims = Type.Object({ email: Type.String(), age: Type.Optional(Type.Integer()) })
    t.throws(() => compileClaims(claims), { code: 'JWT_KIT_SENSITIVE_CLAIM', claim: 'email' })
    t.throws(() => compileClaims(claims, { allowSensitiveNames: false }), { code: 'JWT_KIT_SENSITIVE_CLAIM' })
    t.throws(() => compileClaims(claims, { allowSensitive: true } as never), { code: 'JWT_KIT_OPTIONS' })
    const { atSigning, atVerifying } = compileClaims(claims, { allowSensitiveNames: true })
    t.equal(atVerifying({ email: 'a', other: 1 }), undefined)
    t.same(atVerifying({}), { claim: 'email', problem: 'missing' })
    t.same(atVerifying({ email: 'a', age: '1' }), { claim: 'age', problem: 'wrong' })
    t.same(atSigning({ email: 'a', other: 1 }), { claim: 'other', problem: 'extra' })
  },
)
