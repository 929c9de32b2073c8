import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import * as esm from '@sinclair/typebox'
import t from 'tap'
import * as one from 'typebox'
import Format from 'typebox/format'
import { type FormatRegistry, jwtKit, keyring, tokenKind } from '../src/index.ts'
import { compileSchema, type Schema } from '../src/json-schema.ts'
import { forge } from '../src/testing.ts'
import { ISSUER, ringOf, SECRET } from './support.ts'

// CommonJS has a build of its own, with a registry of its own.
const cjs = createRequire(import.meta.url)('@sinclair/typebox') as typeof esm

t.test('a format that is registered in either build of TypeBox is found', async (t) => {
  t.not(cjs.FormatRegistry, esm.FormatRegistry)
  const isRed = (text: string) => text === 'red'
  for (const [name, registered] of Object.entries({ esm, cjs })) {
    for (const { Type } of [esm, cjs]) {
      const define = () =>
        tokenKind('x+jwt', {
          ttl: '1m',
          claims: Type.Object({ it: Type.String({ format: `color-${name}` }) }),
        })
      t.throws(define, { code: 'JWT_KIT_OPTIONS', message: /`format`/, hint: /FormatRegistry\.Set/ })
      registered.FormatRegistry.Set(`color-${name}`, isRed)
      const kit = jwtKit({ issuer: ISSUER, keys: ringOf('HS256'), kinds: { x: define() } })
      t.match(await kit.x.verify(kit.x.sign({ it: 'red' })), { it: 'red' })
      t.throws(() => kit.x.sign({ it: 'blue' }), { code: 'JWT_KIT_SIGN_CLAIMS', claim: 'it' })
      registered.FormatRegistry.Delete(`color-${name}`)
    }
  }
})

t.test('`formats` is looked at before the registries of TypeBox, and has to be one', async (t) => {
  const { Type } = esm
  const define = (formats: unknown) =>
    tokenKind('x+jwt', {
      ttl: '1m',
      claims: Type.Object({ it: Type.Array(Type.String({ format: 'color' })) }),
      formats: formats as FormatRegistry,
    })
  const registry = (text: string) => ({
    Get: (name: string) => (name === 'color' ? (it: string) => it === text : undefined),
  })
  esm.FormatRegistry.Set('color', (text) => text === 'red')
  t.teardown(() => esm.FormatRegistry.Delete('color'))
  const check = define(registry('blue')).checks.atVerifying
  t.equal(check({ it: ['blue'] }), undefined)
  t.match(check({ it: ['red'] }), { claim: 'it', problem: 'wrong' })
  t.equal(
    define({ Get: () => undefined }).checks.atVerifying({ it: ['red'] }),
    undefined,
    'else that of TypeBox is used',
  )
  t.equal(define(esm.FormatRegistry).checks.atVerifying({ it: ['red'] }), undefined)
  const claims = one.Type.Object({ it: one.Type.String({ format: 'color' }) })
  t.throws(() => tokenKind('x+jwt', { ttl: '1m', claims }), { code: 'JWT_KIT_OPTIONS', hint: /`formats`/ })
  t.ok(tokenKind('x+jwt', { ttl: '1m', claims, formats: esm.FormatRegistry }))
  t.ok(
    tokenKind('x+jwt', {
      ttl: '1m',
      claims: one.Type.Object({ it: one.Type.String({ format: 'uuid' }) }),
      formats: Format,
    }),
  )
  for (const wrong of [null, 'color', { get: () => true }, new Map()])
    t.throws(() => define(wrong), { code: 'JWT_KIT_OPTIONS', message: /`formats`/ })
})

t.test('schemas of TypeBox 1.x describe, type and check claims', async (t) => {
  const { Type } = one
  const claims = Type.Object({
    sub: Type.String({ format: 'uuid' }),
    role: Type.Union([Type.Literal('user'), Type.Literal('admin')]),
    teams: Type.Array(Type.Integer()),
    note: Type.Optional(Type.Object({ a: Type.Boolean() })),
    pair: Type.Tuple([Type.String(), Type.Null()]),
    kind: Type.Enum(['a', 'b']),
    limits: Type.Record(Type.String(), Type.Number({ minimum: 0 })),
  })
  const keys = keyring('HS256', [{ kid: 'a', key: SECRET }])
  const kit = jwtKit({ issuer: ISSUER, keys, kinds: { x: tokenKind('x+jwt', { ttl: '1m', claims }) } })
  const sub = '1b4e28ba-2fa1-11d2-883f-0016d3cca427'
  const good: { pair: [string, null] } & Record<string, unknown> = {
    sub,
    role: 'user',
    teams: [1],
    note: { a: true },
    pair: ['x', null],
    kind: 'a',
    limits: { posts: 1 },
  }
  const verified = await kit.x.verify(kit.x.sign(good as never))
  t.match(verified, good)
  const types: [
    string,
    'user' | 'admin',
    readonly number[],
    { readonly a: boolean } | undefined,
    string,
    'a' | 'b',
  ] = [verified.sub, verified.role, verified.teams, verified.note, verified.pair[0], verified.kind]
  t.equal(types.length, 6)
  // @ts-expect-error there is no such claim
  t.equal(verified.other, undefined)
  for (const [claim, value] of Object.entries({
    sub: 'x',
    role: 'root',
    teams: ['1'],
    note: { a: true, b: 1 },
    pair: ['x', null, 1],
    kind: 'c',
    limits: { posts: -1 },
    other: 1,
  })) {
    t.throws(() => kit.x.sign({ ...good, [claim]: value } as never), { code: 'JWT_KIT_SIGN_CLAIMS', claim })
    if (claim === 'other' || claim === 'note') continue
    const token = forge(kit.x, good as never, { claims: { [claim]: value } })
    await t.rejects(kit.x.verify(token), { code: 'JWT_KIT_CLAIMS', claim })
  }
  // @ts-expect-error a number is not a subject
  t.throws(() => kit.x.sign({ sub: 7 }), { code: 'JWT_KIT_SIGN_CLAIMS' })

  const red = () =>
    tokenKind('y+jwt', { ttl: '1m', claims: Type.Object({ it: Type.String({ format: 'red' }) }) })
  t.throws(red, { code: 'JWT_KIT_OPTIONS', hint: /Format\.Set/ })
  Format.Set('red', (text) => text === 'red')
  t.ok(red())
})

t.test('a schema that is not one object is refused by its name, in both lines of TypeBox', async (t) => {
  for (const { Type } of [esm, one] as unknown as (typeof esm)[]) {
    for (const [name, claims] of Object.entries({
      Intersect: Type.Intersect([Type.Object({ a: Type.String() }), Type.Object({ b: Type.String() })]),
      Union: Type.Union([Type.Object({ a: Type.String() }), Type.Object({ b: Type.String() })]),
      String: Type.String(),
    })) {
      t.throws(() => tokenKind('x+jwt', { ttl: '1m', claims: claims as never }), {
        code: 'JWT_KIT_OPTIONS',
        message: new RegExp(`got Type\\.${name}$`),
      })
    }
  }
})

t.test('a schema that cannot be checked completely is refused', async (t) => {
  const custom = esm.Type.Unsafe({ [esm.Kind]: 'Custom', type: 'string' })
  for (const inner of [
    custom,
    esm.Type.RegExp(/x/),
    esm.Type.Undefined(),
    esm.Type.Recursive((self) => esm.Type.Object({ self: esm.Type.Optional(self) })),
    esm.Type.Unsafe({ $ref: '#/x' }),
    esm.Type.Unsafe({ if: {}, else: { type: 'string' } }),
    one.Type.Refine(one.Type.String(), (text) => text === 'x'),
    one.Type.BigInt(),
    { type: 'string' },
  ]) {
    const claims = esm.Type.Object({ it: inner as esm.TSchema })
    t.throws(() => tokenKind('x+jwt', { ttl: '1m', claims }), { code: 'JWT_KIT_OPTIONS' })
  }
})

t.test('each keyword of JSON Schema accepts and refuses what it says', async (t) => {
  const { Type } = esm
  for (const [schema, good, bad] of [
    [Type.String({ minLength: 2, maxLength: 3 }), ['ab', 'abc', '🙂🙂'], ['a', 'abcd', '🙂', 7]],
    [Type.String({ pattern: '^a' }), ['a'], ['b']],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the syntax of TypeBox
    [Type.TemplateLiteral('a-${0|1}'), ['a-0'], ['a-2', 'xa-0x']],
    [Type.Number({ minimum: 1, maximum: 2 }), [1, 1.5, 2], [0.9, 2.1, '1', Number.NaN]],
    [Type.Integer({ exclusiveMinimum: 1, exclusiveMaximum: 4, multipleOf: 3 }), [3], [1, 2, 4, 3.5]],
    [Type.Array(Type.Integer(), { minItems: 1, maxItems: 2 }), [[1], [1, 2]], [[], [1, 2, 3], ['1'], 'x']],
    [Type.Array(Type.Any(), { uniqueItems: true }), [[1, '1', { a: 1 }]], [[{ a: 1 }, { a: 1 }]]],
    [
      Type.Array(Type.Any(), { contains: Type.Literal(1), minContains: 1, maxContains: 2 }),
      [[1], [1, 1]],
      [[], [2], [1, 1, 1]],
    ],
    [Type.Tuple([Type.String(), Type.Integer()]), [['a', 1]], [['a'], ['a', 1, 2], [1, 'a']]],
    [Type.Tuple([]), [[]], [[1]]],
    [Type.Not(Type.String()), [1, null], ['a']],
    [Type.Never(), [], [1, null, undefined]],
    [Type.Unknown(), [1, null, {}], []],
    [Type.Union([Type.Null(), Type.Boolean()]), [null, true], [0, 'null']],
    [Type.Enum({ A: 'a', B: 1 }), ['a', 1], ['b', '1']],
    [
      Type.Intersect([Type.Object({ a: Type.Integer() }), Type.Object({ b: Type.Integer() })]),
      [{ a: 1, b: 2 }],
      [{ a: 1 }, { b: 2 }],
    ],
    [Type.Record(Type.String({ pattern: '^x' }), Type.Integer()), [{ xa: 1 }, {}], [{ xa: 'a' }]],
    [
      Type.Object({ a: Type.Optional(Type.Integer()) }, { additionalProperties: Type.String() }),
      [{ a: 1, b: 'x' }, { a: undefined }],
      [{ a: 'x' }, { b: 1 }, [], null],
    ],
    [Type.Object({}, { minProperties: 1, maxProperties: 2 }), [{ a: 1 }], [{}, { a: 1, b: 2, c: 3 }]],
    [Type.Object({ constructor: Type.Function([], Type.Any()) } as never), [], []],
    [Type.Unsafe({ oneOf: [Type.Integer(), Type.Number({ minimum: 5 })] }), [1, 5.5], [5, 'a']],
    [Type.Unsafe({ const: { a: [1] } }), [{ a: [1] }], [{ a: [2] }, '{}']],
    [Type.Unsafe({ type: ['string', 'null'] }), ['a', null], [1]],
  ] as const) {
    if (good.length + bad.length === 0) {
      t.throws(() => compileSchema(schema as unknown as Schema, { closed: false }), {
        code: 'JWT_KIT_OPTIONS',
      })
      continue
    }
    const check = compileSchema(schema as unknown as Schema, { closed: false })
    for (const value of good) t.ok(check(value), `${JSON.stringify(schema)} accepts ${JSON.stringify(value)}`)
    for (const value of bad)
      t.notOk(check(value), `${JSON.stringify(schema)} refuses ${JSON.stringify(value)}`)
  }
  const named = compileSchema(Type.Object({ constructor: Type.String() }) as unknown as Schema, {
    closed: false,
  })
  t.notOk(named({}), 'a member that every object inherits is not its own')
})

t.test('kinds are checked also if code generation is off', async (t) => {
  const script = `
    import { Type } from '@sinclair/typebox'
    import { tokenKind } from './packages/jwt-kit/src/index.ts'
    const kind = tokenKind('x+jwt', { ttl: '1m', claims: Type.Object({ a: Type.Integer() }) })
    console.log(kind.checks.atSigning({ a: 1 }), kind.checks.atSigning({ a: 'x' }).claim)`
  const args = [
    ...process.execArgv,
    '--disallow-code-generation-from-strings',
    '--input-type=module',
    '-e',
    script,
  ]
  // The paths in execArgv are relative to the checkout.
  const cwd = new URL('../../..', import.meta.url)
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd })
  t.equal(stdout, 'undefined a\n')
})
