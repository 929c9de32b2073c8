import { createPublicKey } from 'node:crypto'
import t from 'tap'
import { ALGORITHMS, keyring } from '../src/index.ts'
import { forge, testClock } from '../src/testing.ts'
import { CLAIMS, makeKit, OTHER_SECRET, privateKeys, ringOf } from './support.ts'

t.test('the clock stands still until it is told otherwise', async (t) => {
  const clock = testClock()
  t.equal(clock.now(), Date.parse('2026-01-01T00:00:00Z'))
  clock.advance('90s')
  t.equal(clock.now(), Date.parse('2026-01-01T00:01:30Z'))
  clock.set(new Date('2030-01-01'))
  t.equal(clock.now(), Date.parse('2030-01-01'))
  t.equal(testClock('2027-01-01T00:00:00Z').now(), Date.parse('2027-01-01'))
  t.throws(() => clock.set('tomorrow'), { code: 'JWT_KIT_OPTIONS' })
  t.throws(() => clock.advance('90'), { code: 'JWT_KIT_OPTIONS' })
})

for (const algorithm of ALGORITHMS) {
  t.test(`${algorithm}: a token with nothing wrong is good`, async (t) => {
    const { kit } = makeKit(ringOf(algorithm), 'shop-api')
    t.match(await kit.access.verify(forge(kit.access, CLAIMS)), { ...CLAIMS, aud: 'shop-api' })
  })
}

t.test('any claim, and any member of the header, can be broken or taken out', async (t) => {
  const { kit } = makeKit()
  const read = (token: string) =>
    token
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  const [header, payload] = read(
    forge(kit.access, CLAIMS, { header: { kid: undefined, x: 1 }, claims: { exp: undefined, role: 'root' } }),
  )
  t.same(header, { alg: 'HS256', typ: 'access+jwt', x: 1 })
  t.match(payload, { sub: '7', role: 'root' })
  t.notOk('exp' in payload)
  t.equal(
    Buffer.from(
      forge(kit.access, CLAIMS, { claims: '{"a":1}' }).split('.')[1] as string,
      'base64url',
    ).toString(),
    '{"a":1}',
  )
  t.match(forge(kit.access, CLAIMS, { signature: 'AAAA' }), /\.AAAA$/)
})

t.test('another ring can sign', async (t) => {
  const { kit } = makeKit()
  const keys = keyring('HS256', [{ kid: '2026-11', key: OTHER_SECRET }])
  await t.rejects(kit.access.verify(forge(kit.access, CLAIMS, { keys })), { code: 'JWT_KIT_SIGNATURE' })
})

t.test('needs a kind of a kit, and a key that signs', async (t) => {
  t.throws(() => forge({} as never, CLAIMS as never), { code: 'JWT_KIT_OPTIONS' })
  const { kit } = makeKit(keyring('ES256', [{ kid: 'a', key: createPublicKey(privateKeys.ES256) }]))
  t.throws(() => forge(kit.access, CLAIMS), { code: 'JWT_KIT_NO_SIGNING_KEY' })
})
