import { createPublicKey } from 'node:crypto'
import { format, inspect } from 'node:util'
import t from 'tap'
import { type Algorithm, jwtKit, keyring } from '../src/index.ts'
import { forge, testClock } from '../src/testing.ts'
import { accessKind, CLAIMS, ISSUER, makeKit, OTHER_SECRET, privateKeys, ringOf, SECRET } from './support.ts'

const ring = () =>
  keyring('HS256', [
    { kid: '2026-11', key: SECRET },
    { kid: '2026-10', key: OTHER_SECRET, verifyUntil: '2026-11-22T12:00:00Z' },
  ])

t.test('prints as its algorithm and key ids, whatever prints it', async (t) => {
  const keys = keyring('HS256', [{ kid: '2026-11', key: SECRET }])
  const label = '[Keyring HS256 2026-11]'
  t.equal(`${keys}`, label)
  t.equal(String(keys), label)
  t.equal(inspect(keys), label)
  t.equal(inspect(keys, { showHidden: true, depth: null }), label)
  t.equal(inspect({ nested: { keys } }), `{ nested: { keys: ${label} } }`)
  t.equal(format('%s %o %O', keys, keys, keys), `${label} ${label} ${label}`)
  t.equal(JSON.stringify({ keys }), `{"keys":"${label}"}`)
  t.equal(String(ring()), '[Keyring HS256 2026-11 2026-10]')
})

t.test('gives no secret away, even to who passes over its own way to print', async (t) => {
  for (const keys of [ring(), ringOf('ES256')]) {
    const printed = [
      inspect(keys, { customInspect: false, showHidden: true, depth: null, getters: true }),
      inspect(
        Reflect.ownKeys(keys).map((name) => (keys as never)[name]),
        { depth: null },
      ),
      JSON.stringify({ ...keys }),
      inspect(structuredClone({ ...keys })),
    ].join()
    t.notOk(printed.includes(SECRET) || printed.includes('PRIVATE') || printed.includes('KeyObject'), printed)
  }
})

t.test('exports public halves only, ready to be served', async (t) => {
  for (const algorithm of ['ES256', 'EdDSA', 'RS256', 'PS256'] as const) {
    const { keys } = ringOf(algorithm).jwks()
    t.equal(keys.length, 1)
    const { kid, alg, use, ...rest } = JSON.parse(JSON.stringify(keys[0]))
    t.same({ kid, alg, use }, { kid: '2026-11', alg: algorithm, use: 'sig' })
    t.same(rest, createPublicKey(privateKeys[algorithm]).export({ format: 'jwk' }))
    for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) t.notOk(name in rest)
  }
})

t.test('has no public halves of secrets to export', async (t) => t.same(ring().jwks(), { keys: [] }))

t.test('what it exports verifies what it signs', async (t) => {
  const { kit } = makeKit(ringOf('ES256'))
  const [jwk] = kit.jwks().keys
  const { kit: reader } = makeKit(keyring('ES256', [{ kid: '2026-11', key: { ...jwk } }]))
  t.match(await reader.access.verify(kit.access.sign(CLAIMS)), CLAIMS)
})

t.test('leaves a retired key out of what a kit serves', async (t) => {
  const keys = keyring('ES256', [
    { kid: 'new', key: privateKeys.ES256 },
    { kid: 'old', key: privateKeys.ES256, verifyUntil: '2026-11-22T13:00:00+01:00' },
  ])
  const { kit, clock } = makeKit(keys)
  t.same(
    kit.jwks().keys.map((key) => key.kid),
    ['new'],
  )
  clock.set('2026-11-22T11:59:59.999Z')
  t.same(
    kit.jwks().keys.map((key) => key.kid),
    ['new', 'old'],
  )
  t.same(keys.jwks().keys.length, 2, 'and it is there where no moment is given')
})

t.test('signs with the first key that is not retired and can sign', async (t) => {
  const { kit } = makeKit(
    keyring('ES256', [
      { kid: 'retired', key: privateKeys.ES256, verifyUntil: new Date('2027-01-01') },
      { kid: 'public', key: createPublicKey(privateKeys.ES256) },
      { kid: 'first', key: privateKeys.ES256 },
      { kid: 'second', key: privateKeys.ES256 },
    ]),
  )
  const [header] = kit.access.sign(CLAIMS).split('.')
  t.same(JSON.parse(Buffer.from(String(header), 'base64url').toString()), {
    alg: 'ES256',
    typ: 'access+jwt',
    kid: 'first',
  })
})

t.test('verifies with a retired key until its moment, and from then on no longer', async (t) => {
  const before = makeKit(keyring('HS256', [{ kid: '2026-10', key: OTHER_SECRET }]))
  before.clock.set('2026-11-22T11:59:00Z')
  const token = before.kit.access.sign(CLAIMS)
  const { kit, clock } = makeKit(ring())
  clock.set('2026-11-22T11:59:59Z')
  t.match(await kit.access.verify(token), CLAIMS, 'a second before')
  clock.set('2026-11-22T12:00:00Z')
  await t.rejects(kit.access.verify(token), { code: 'JWT_KIT_RETIRED_KEY' }, 'on the second')
  t.match(await kit.access.verify(kit.access.sign(CLAIMS)), CLAIMS, 'the new key is good')
})

t.test('keys are changed with an overlap, without a token refused', async (t) => {
  const clock = testClock('2026-11-22T12:00:00Z')
  const make = (keys: ReturnType<typeof keyring>) =>
    jwtKit({ issuer: ISSUER, keys, kinds: { access: accessKind }, now: clock.now })
  const [old, next] = [
    { kid: 'old', key: OTHER_SECRET },
    { kid: 'next', key: SECRET },
  ]
  const one = make(keyring('HS256', [old]))
  const two = make(keyring('HS256', [old, next]))
  const three = make(keyring('HS256', [next, old]))
  const four = make(keyring('HS256', [next, { ...old, verifyUntil: '2026-11-22T12:30:00Z' }]))
  for (const [signer, readers] of [
    [one, [one, two, three, four]],
    [two, [one, two, three, four]],
    [three, [two, three, four]],
  ] as const) {
    for (const reader of readers) t.match(await reader.access.verify(signer.access.sign(CLAIMS)), CLAIMS)
  }
  await t.rejects(one.access.verify(three.access.sign(CLAIMS)), { code: 'JWT_KIT_UNKNOWN_KEY' })
})

t.test('knows a key by its id and by nothing else', async (t) => {
  const { kit } = makeKit(
    keyring('HS256', [
      { kid: 'a', key: SECRET },
      { kid: 'b', key: OTHER_SECRET },
    ]),
  )
  for (const kid of [
    'c',
    'A',
    '',
    'constructor',
    '__proto__',
    'toString',
    'hasOwnProperty',
    '../a',
    null,
    7,
    {},
    ['a'],
    true,
  ]) {
    await t.rejects(kit.access.verify(forge(kit.access, CLAIMS, { header: { kid } })), {
      code: 'JWT_KIT_UNKNOWN_KEY',
    })
  }
  const swapped = forge(kit.access, CLAIMS, { header: { kid: 'b' } })
  await t.rejects(kit.access.verify(swapped), { code: 'JWT_KIT_SIGNATURE' }, 'the id of another key')
})

t.test('a key may be called constructor', async (t) => {
  const { kit } = makeKit(keyring('HS256', [{ kid: 'constructor', key: SECRET }]))
  t.match(await kit.access.verify(kit.access.sign(CLAIMS)), CLAIMS)
})

t.test('a token without a key id is tried only where there is one key', async (t) => {
  const alone = makeKit(keyring('HS256', [{ kid: 'a', key: SECRET }])).kit
  t.match(await alone.access.verify(forge(alone.access, CLAIMS, { header: { kid: undefined } })), CLAIMS)
  const many = makeKit(
    keyring('HS256', [
      { kid: 'a', key: SECRET },
      { kid: 'b', key: OTHER_SECRET },
    ]),
  ).kit
  const token = forge(many.access, CLAIMS, { header: { kid: undefined } })
  await t.rejects(many.access.verify(token), { code: 'JWT_KIT_UNKNOWN_KEY', message: /names no key/ })
})

t.test('does not take a ring that is not as described', async (t) => {
  const code = { code: 'JWT_KIT_OPTIONS' }
  t.throws(() => keyring('none' as Algorithm, [{ kid: 'a', key: SECRET }]), code)
  t.throws(() => keyring('HS1' as Algorithm, [{ kid: 'a', key: SECRET }]), code)
  t.throws(() => keyring('HS256', []), code)
  t.throws(() => keyring('HS256', undefined as never), code)
  t.throws(() => keyring('HS256', [undefined as never]), code)
  t.throws(
    () =>
      keyring('HS256', [
        { kid: 'a', key: SECRET },
        { kid: 'a', key: OTHER_SECRET },
      ]),
    code,
  )
  for (const kid of ['', 'a b', 'a\n', 'x'.repeat(129), 7, undefined]) {
    t.throws(() => keyring('HS256', [{ kid: kid as string, key: SECRET }]), code)
  }
  for (const verifyUntil of [
    '',
    'tomorrow',
    '2026-11-22',
    '2026-11-22T12:00:00',
    1_795_000_000,
    new Date('x'),
    null,
  ]) {
    t.throws(() => keyring('HS256', [{ kid: 'a', key: SECRET, verifyUntil: verifyUntil as string }]), code)
  }
})
