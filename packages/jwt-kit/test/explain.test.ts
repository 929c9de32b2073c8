import { Type } from '@sinclair/typebox'
import t from 'tap'
import { type Explanation, explainToken, jwtKit, tokenKind } from '../src/index.ts'
import { forge } from '../src/testing.ts'
import { accessKind, CLAIMS, ISSUER, makeKit, ringOf } from './support.ts'

const NOT_ENCRYPTED =
  /The payload is not encrypted, only encoded: anyone who holds the token can read all of it\./
const decode = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString())

t.test('takes a token apart, with offsets that a page can colour', async (t) => {
  const { kit } = makeKit()
  const token = kit.access.sign(CLAIMS)
  const { parts } = await kit.explain(token)
  t.same(
    parts.map((part) => part.name),
    ['header', 'payload', 'signature'],
  )
  t.same(
    parts.map((part) => token.slice(part.start, part.end)),
    token.split('.'),
  )
  for (const part of parts.slice(0, 2)) t.same(part.value, decode(token.slice(part.start, part.end)))
  t.match(parts[2], { bytes: 32, value: undefined, problem: undefined })
})

t.test('says every claim in words: the schema’s, and the RFC’s for the others', async (t) => {
  const { kit } = makeKit(ringOf('HS256'), 'shop-api')
  const { claims, text } = await kit.explain(kit.access.sign(CLAIMS, { notBefore: '1s' }))
  const meanings = Object.fromEntries(claims.map(({ part, name, meaning }) => [`${part} ${name}`, meaning]))
  t.match(meanings, {
    'header alg': 'how the signature was made',
    'header typ': 'the kind of token',
    'header kid': /which key/,
    'payload sub': 'the user, by id',
    'payload role': 'what the user may do',
    'payload iss': 'who issued it',
    'payload aud': 'whom it is for',
    'payload iat': 'when it was issued',
    'payload exp': /no longer accepted/,
    'payload nbf': /not accepted/,
    'payload jti': /this one token/,
  })
  for (const { name, meaning } of claims) t.ok(text.includes(`${name} = `) && text.includes(meaning), name)
})

t.test('says times in words, seen from its clock', async (t) => {
  const { kit, clock } = makeKit()
  const token = kit.access.sign(CLAIMS)
  const words = ({ claims }: Explanation) =>
    Object.fromEntries(claims.filter((claim) => claim.words).map((claim) => [claim.name, claim.words]))
  t.match(words(await kit.explain(token)), {
    alg: /HMAC with SHA-256/,
    iat: '2026-11-22 12:00:00 UTC, now',
    exp: '2026-11-22 12:30:00 UTC, in 30 minutes',
  })
  clock.advance('1h')
  t.match(words(await kit.explain(token)), { iat: /, 1 hour ago$/, exp: /, 30 minutes ago$/ })
})

t.test('says that the payload is not encrypted, whatever it is given', async (t) => {
  const { kit } = makeKit()
  for (const token of [kit.access.sign(CLAIMS), 'abc', '', undefined]) {
    for (const { text, note } of [await kit.explain(token as string), explainToken(token as string)]) {
      t.match(text, NOT_ENCRYPTED)
      t.match(note, NOT_ENCRYPTED)
    }
  }
})

t.test('says why a kit would accept a token, or would not', async (t) => {
  const { kit, clock, now } = makeKit()
  const good = await kit.explain(kit.access.sign(CLAIMS))
  t.match(good.verdict, { accepted: true, reason: 'It is a good token of type access+jwt' })
  t.match(good.text, /VERDICT: accepted\. It is a good token of type access\+jwt\.$/)
  t.match((await kit.explain(kit.refresh.sign({ sub: '7' }))).verdict, {
    accepted: true,
    reason: /refresh\+jwt/,
  })
  const wrong = async (token: string) => (await kit.explain(token)).verdict
  t.match(await wrong(forge(kit.access, CLAIMS, { claims: { iat: now - 60, exp: now - 1 } })), {
    accepted: false,
    code: 'JWT_KIT_EXPIRED',
    part: 'payload',
    claim: 'exp',
    hint: String,
  })
  t.match(await wrong(forge(kit.access, CLAIMS, { signature: '' })), {
    accepted: false,
    code: 'JWT_KIT_SIGNATURE',
    part: 'signature',
  })
  t.match(await wrong(forge(kit.access, CLAIMS, { header: { typ: 'JWT' } })), {
    accepted: false,
    code: 'JWT_KIT_WRONG_KIND',
  })
  t.match(await wrong('abc'), { accepted: false, code: 'JWT_KIT_MALFORMED' })
  const token = kit.access.sign(CLAIMS)
  clock.advance('30m')
  t.match(
    (await kit.explain(token)).text,
    /VERDICT: refused\. The token has expired \(JWT_KIT_EXPIRED, exp\)\. Log in again, or refresh it\.$/,
  )
})

t.test('asks whether the token was revoked, too', async (t) => {
  const kit = jwtKit({
    issuer: ISSUER,
    keys: ringOf('HS256'),
    kinds: { access: accessKind },
    revoked: () => true,
  })
  t.match((await kit.explain(kit.access.sign(CLAIMS))).verdict, { accepted: false, code: 'JWT_KIT_REVOKED' })
})

t.test('says that it cannot be told, where the hook throws', async (t) => {
  const revoked = () => {
    throw new Error('no connection')
  }
  const kit = jwtKit({ issuer: ISSUER, keys: ringOf('HS256'), kinds: { access: accessKind }, revoked })
  const { verdict } = await kit.explain(kit.access.sign(CLAIMS))
  t.match(verdict, { accepted: false, code: 'JWT_KIT_REVOCATION_UNAVAILABLE', reason: /not known/ })
  t.notOk('part' in verdict)
})

t.test('throws what is wrong with the kit itself', async (t) => {
  let asked = 0
  const now = () => {
    if (asked++ > 0) throw new Error('no clock')
    return 0
  }
  const kit = jwtKit({ issuer: ISSUER, keys: ringOf('HS256'), kinds: { access: accessKind }, now })
  await t.rejects(kit.explain(makeKit().kit.access.sign(CLAIMS)), /no clock/)
})

t.test('says which part and which claim were tampered with', async (t) => {
  const { kit } = makeKit()
  const original = kit.access.sign(CLAIMS)
  const [header, payload, signature] = original.split('.') as [string, string, string]
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const tampered = (token: string) => kit.explain(token, original)

  const raised = await tampered(`${header}.${encode({ ...decode(payload), role: 'admin' })}.${signature}`)
  t.same(raised.changes, [{ part: 'payload', claim: 'role', was: 'user', is: 'admin' }])
  t.match(raised.text, /role in the payload was changed from "user" to "admin"/)
  t.match(raised.verdict, { accepted: false, code: 'JWT_KIT_SIGNATURE' })

  const { jti, ...less } = decode(payload)
  const added = await tampered(`${header}.${encode({ ...less, constructor: 1 })}.${signature}`)
  t.same(added.changes, [
    { part: 'payload', claim: 'jti', was: jti, is: undefined },
    { part: 'payload', claim: 'constructor', was: undefined, is: 1 },
  ])
  t.match(added.text, /jti in the payload was removed; it was "[0-9a-f-]+"/)
  t.match(added.text, /constructor in the payload was added: 1/)

  const none = await tampered(`${encode({ ...decode(header), alg: 'none' })}.${payload}.`)
  t.same(
    none.changes.map(({ part, claim }) => [part, claim]),
    [
      ['header', 'alg'],
      ['signature', undefined],
    ],
  )
  t.match(none.text, /the signature was changed/)

  const respelled = await tampered(
    `${header}.${Buffer.from(` ${Buffer.from(payload, 'base64url')}`).toString('base64url')}.${signature}`,
  )
  t.same(respelled.changes, [{ part: 'payload' }], 'the same claims, written in another way')
  t.same(
    (await tampered('abc')).changes.map((change) => change.part),
    ['header', 'payload', 'signature'],
  )

  const same = await tampered(original)
  t.same(same.changes, [])
  t.match(same.text, /not a character was changed/)
  t.notMatch((await kit.explain(original)).text, /Compared/)
})

t.test('needs no key to say what can be seen from the outside', async (t) => {
  const { kit, clock } = makeKit()
  const token = kit.access.sign(CLAIMS)
  const open = explainToken(token, { now: clock.now })
  t.match(open.verdict, {
    accepted: undefined,
    reason: 'Only the key can tell whether the signature is right',
  })
  t.match(open.text, /VERDICT: not known\./)
  t.match(
    open.claims.find((claim) => claim.name === 'sub'),
    { meaning: 'whom it is about' },
  )
  t.match(
    open.claims.find((claim) => claim.name === 'role'),
    { meaning: 'not described' },
  )
  clock.advance('2h')
  t.match(explainToken(token, { now: clock.now }).verdict, {
    accepted: false,
    code: 'JWT_KIT_EXPIRED',
    claim: 'exp',
    reason: 'It expired 1 hour ago',
  })
  t.match(explainToken(token).verdict, { reason: String }, 'and has a clock of its own')
  t.same(explainToken(token, { original: token }).changes, [])
})

t.test('explains broken tokens as far as it can', async (t) => {
  const explain = (token: unknown) => explainToken(token as string)
  t.match(explain('a.b'), {
    verdict: { accepted: false, part: 'token', reason: /three parts/ },
    parts: [{ end: 1 }, { start: 2, end: 3 }],
  })
  t.match(explain('e30.e30'), { verdict: { code: 'JWT_KIT_MALFORMED' } })
  t.match(explain('e30.e30.AA.x').verdict, { accepted: false, reason: /three parts/ })
  t.match(explain('e31.e30.AA').parts[0], { problem: 'is not base64url' })
  t.match(explain('W10.e30.AA').verdict, { part: 'header', reason: 'The header is not a JSON object' })
  t.match(explain('e30.e30.A').verdict, { part: 'signature', reason: 'The signature is not base64url' })
  t.match(explain('e30.e30.AA').verdict, { accepted: undefined })
  t.match(explain(`${'x'.repeat(9000)}.e30.AA`).parts[0], { problem: /too large/ })
  for (const token of [undefined, null, 7, {}, Symbol('x'), Object.create(null)]) {
    t.same(explain(token).parts, [])
    t.equal(explainToken(token, { original: 'a.b.c' }).changes.length, 3)
    if (token !== undefined) t.equal(explainToken('a.b.c', { original: token }).changes.length, 3)
  }
})

t.test('is safe to print: no control character of the token reaches the terminal', async (t) => {
  const sneaky = '\u001b[2J\u009b31m\u202e\u200b\ufeff\n'
  const token = `e30.${Buffer.from(JSON.stringify({ [sneaky]: sneaky })).toString('base64url')}.AA`
  const { text } = explainToken(token, { original: 'e30.e30.AA' })
  for (const char of sneaky.replace('\n', '').replace(/[[2J31m]/g, ''))
    t.notOk(text.includes(char), char.charCodeAt(0).toString(16))
  t.ok(text.includes('\\u202e') && text.includes('\\u009b'))
})

t.test('does not hold the token itself', async (t) => {
  const { kit } = makeKit()
  const token = kit.access.sign(CLAIMS)
  const signature = token.split('.')[2] as string
  const explanation = await kit.explain(token, token)
  t.notOk(JSON.stringify(explanation).includes(signature))
})

t.test('describes the claims of each kind by its own schema', async (t) => {
  const kinds = {
    one: tokenKind('one+jwt', {
      ttl: '1m',
      claims: Type.Object({ x: Type.String({ description: 'the first' }), y: Type.Optional(Type.String()) }),
    }),
    two: tokenKind('two+jwt', {
      ttl: '1m',
      claims: Type.Object({ x: Type.String({ description: 'the second' }) }),
    }),
  }
  const kit = jwtKit({ issuer: ISSUER, keys: ringOf('HS256'), kinds })
  const meaning = async (token: string, name = 'x') =>
    (await kit.explain(token)).claims.find((claim) => claim.name === name)?.meaning
  t.equal(await meaning(kit.one.sign({ x: 'a' })), 'the first')
  t.equal(await meaning(kit.two.sign({ x: 'a' })), 'the second')
  t.equal(await meaning(kit.one.sign({ x: 'a', y: 'b' }), 'y'), 'not described')
  t.equal(await meaning(forge(kit.one, { x: 'a' }, { header: { typ: 'other' } })), 'not described')
  t.equal(
    await meaning(forge(kit.one, { x: 'a' }, { claims: { constructor: 1 } }), 'constructor'),
    'not described',
  )
})
