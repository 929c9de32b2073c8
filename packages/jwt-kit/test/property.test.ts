import { Type } from '@sinclair/typebox'
import fc from 'fast-check'
import t from 'tap'
import { ALGORITHMS, JwtKitError, jwtKit, tokenKind } from '../src/index.ts'
import { forge } from '../src/testing.ts'
import { CLAIMS, ISSUER, makeKit, ringOf } from './support.ts'

// A failure prints its seed and path; with SEED=… the same run is repeated.
const runs = (numRuns: number) => ({
  numRuns,
  ...(process.env.SEED !== undefined && { seed: Number(process.env.SEED) }),
})

const code = (verify: Promise<unknown>) =>
  verify.then(
    () => 'accepted',
    (problem) => (problem instanceof JwtKitError ? problem.code : String(problem)),
  )

for (const algorithm of ALGORITHMS) {
  t.test(`${algorithm}: every change of one bit is refused`, async (t) => {
    const { kit } = makeKit(ringOf(algorithm))
    const token = Buffer.from(kit.access.sign(CLAIMS))
    for (let at = 0; at < token.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = Buffer.from(token)
        changed[at] = Number(changed[at]) ^ (1 << bit)
        const answer = await code(kit.access.verify(changed.toString('latin1')))
        if (!answer.startsWith('JWT_KIT_')) t.fail(`bit ${bit} of character ${at}: ${answer}`)
      }
    }
    t.match(await kit.access.verify(token.toString()), CLAIMS, 'and without a change it is accepted')
  })
}

t.test('every change of one character is refused: another in its place, one more, one less', async (t) => {
  const { kit } = makeKit()
  const token = kit.access.sign(CLAIMS)
  const alphabet = [...'ABCDQRSTabcdwxyz0189-_.=+/ \n']
  for (let at = 0; at <= token.length; at++) {
    for (const char of alphabet) {
      for (const changed of [
        token.slice(0, at) + char + token.slice(at + 1),
        token.slice(0, at) + char + token.slice(at),
      ]) {
        if (changed === token) continue
        const answer = await code(kit.access.verify(changed))
        if (!answer.startsWith('JWT_KIT_')) t.fail(`${JSON.stringify(char)} at ${at}: ${answer}`)
      }
    }
    const shorter = token.slice(0, at) + token.slice(at + 1)
    if (shorter !== token && (await code(kit.access.verify(shorter))) === 'accepted')
      t.fail(`without character ${at}`)
  }
  t.equal(await code(kit.access.verify(token)), 'accepted')
})

t.test('what is signed is what is verified', async (t) => {
  const claims = Type.Object({
    text: Type.String(),
    number: Type.Number(),
    flag: Type.Boolean(),
    nothing: Type.Null(),
    maybe: Type.Optional(Type.String()),
    list: Type.Array(Type.Union([Type.Integer(), Type.String()])),
    inner: Type.Object({ any: Type.Unknown() }),
  })
  const kit = jwtKit({
    issuer: ISSUER,
    keys: ringOf('EdDSA'),
    kinds: { x: tokenKind('x+jwt', { ttl: '1m', claims }) },
  })
  const text = fc.string({ unit: 'grapheme', maxLength: 60 })
  const arbitrary = fc.record(
    {
      text: fc.oneof(text, fc.string({ unit: 'binary', maxLength: 60 })),
      number: fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
      flag: fc.boolean(),
      nothing: fc.constant(null),
      maybe: text,
      list: fc.array(fc.oneof(fc.maxSafeInteger(), text), { maxLength: 10 }),
      inner: fc.record({
        any: fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value))),
      }),
    },
    { requiredKeys: ['text', 'number', 'flag', 'nothing', 'list', 'inner'] },
  )
  await fc.assert(
    fc.asyncProperty(arbitrary, async (given) => {
      const { iss, iat, exp, jti, ...rest } = await kit.x.verify(kit.x.sign(given))
      return (
        JSON.stringify(sorted(rest)) === JSON.stringify(sorted(given)) &&
        iss === ISSUER &&
        exp === iat + 60 &&
        jti !== ''
      )
    }),
    runs(500),
  )
  t.pass('500 runs')
})

function sorted(value: object): [string, unknown][] {
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
}

t.test('no input makes verify or the guard throw anything but the kit’s error', async (t) => {
  const { kit } = makeKit(ringOf('ES256'))
  const guard = kit.access.guard()
  const json = fc.oneof(
    fc.json(),
    fc.string(),
    fc.constantFrom(
      '{"alg":"ES256","typ":"access+jwt"}',
      '{"alg":"ES256","typ":"access+jwt","kid":"2026-11"}',
    ),
  )
  const encoded = fc.oneof(
    json.map((text) => Buffer.from(text).toString('base64url')),
    fc.base64String(),
    fc.string({ unit: 'binary' }),
  )
  const token = fc.oneof(
    fc.anything(),
    fc.string({ unit: 'binary' }),
    fc.array(encoded, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('.')),
  )
  await fc.assert(
    fc.asyncProperty(token, async (given) => {
      const answer = await code(kit.access.verify(given as string))
      const request = { raw: { rawHeaders: [] }, headers: { authorization: given as string } }
      const bearer = {
        raw: {},
        headers: { authorization: typeof given === 'string' ? `Bearer ${given}` : '' },
      }
      const guarded = [await code(guard(request)), await code(guard(bearer))]
      return [answer, ...guarded].every((name) => name.startsWith('JWT_KIT_'))
    }),
    runs(3000),
  )
  t.pass('3000 runs')
})

t.test('no rightly signed payload makes verify throw anything but the kit’s error', async (t) => {
  const { kit } = makeKit()
  const value = fc.oneof(fc.jsonValue(), fc.double(), fc.constantFrom(1_795_348_800, 1_795_350_600, ISSUER))
  const claims = fc.dictionary(
    fc.constantFrom(
      'iss',
      'aud',
      'iat',
      'exp',
      'nbf',
      'jti',
      'sub',
      'role',
      '__proto__',
      'constructor',
      'toJSON',
    ),
    value,
  )
  const header = fc.dictionary(fc.constantFrom('alg', 'typ', 'kid', 'crit', 'cty', '__proto__'), value)
  await fc.assert(
    fc.asyncProperty(claims, fc.oneof(header, fc.constant({})), async (given, head) => {
      const answer = await code(kit.access.verify(forge(kit.access, CLAIMS, { claims: given, header: head })))
      return answer === 'accepted' || answer.startsWith('JWT_KIT_')
    }),
    runs(2000),
  )
  t.pass('2000 runs')
})
