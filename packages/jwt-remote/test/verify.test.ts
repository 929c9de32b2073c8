import { createHmac, createSign, randomBytes } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import t from 'tap'
import { jwtRemote, REMOTE_ALGORITHMS } from '../src/index.ts'
import {
  AUDIENCE,
  clock,
  errorOf,
  ISSUER,
  makeKey,
  optionsFor,
  setOf,
  sign,
  startProvider,
} from './support.ts'

const key = makeKey('2026-11')
const options = optionsFor({ jwks: setOf(key) })
const remote = jwtRemote(options)
const now = clock.now() / 1000
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

t.test('returns the claims of the schema and the registered ones, frozen', async (t) => {
  const verified = await remote.verify(await sign(key, { extra: 'x', jti: 'a', nbf: now }))
  t.same(verified, { iss: ISSUER, aud: AUDIENCE, sub: '7', iat: now, nbf: now, exp: now + 3600, jti: 'a' })
  t.ok(Object.isFrozen(verified))
  const lists = jwtRemote({ ...options, claims: Type.Object({ roles: Type.Array(Type.String()) }) })
  t.ok(Object.isFrozen((await lists.verify(await sign(key, { roles: ['a'] }))).roles))
})

t.test('accepts every algorithm on the list, and rejects it if it is not in `algorithms`', async (t) => {
  const spare = [makeKey('rsa').jwk, makeKey('ec', 'ES256').jwk]
  for (const alg of REMOTE_ALGORITHMS) {
    const key = makeKey('k', alg)
    const token = await sign(key)
    const base = optionsFor({ jwks: setOf(key) })
    t.equal((await jwtRemote({ ...base, algorithms: [alg] }).verify(token)).sub, '7', alg)
    const others = REMOTE_ALGORITHMS.filter((other) => other !== alg)
    const unnamed = { jwks: { keys: [{ ...key.jwk, alg: undefined }, ...spare] } }
    const error = await errorOf(() => jwtRemote({ ...base, ...unnamed, algorithms: others }).verify(token))
    t.equal(error.code, 'JWT_KIT_ALGORITHM', `${alg} is not allowed`)
  }
})

t.test('each fault of a token has its code', async (t) => {
  const good = await sign(key)
  const [header, payload, signature] = good.split('.') as [string, string, string]
  const other = makeKey('2026-11')
  const faults: Record<string, (string | Promise<string> | unknown)[]> = {
    JWT_KIT_MALFORMED: [
      7,
      undefined,
      '',
      'a.b',
      `${good}.x`,
      `${header}.${payload}.${signature}=`,
      `${header}.${payload}.+${signature}`,
      `${header}.x.${signature}`,
      `${encode([])}.${payload}.${signature}`,
      `${header}.${encode('text')}.${signature}`,
      `${header}.${Buffer.from([0x22, 0xff, 0x22]).toString('base64url')}.${signature}`,
    ],
    JWT_KIT_TOO_LARGE: [`${header}.${payload}.${'x'.repeat(8192)}`],
    JWT_KIT_ALGORITHM: [
      `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`,
      `${encode({ alg: 'NONE', typ: 'at+jwt' })}.${payload}.`,
      `${encode({ alg: 'HS256', typ: 'at+jwt', kid: '2026-11' })}.${payload}.${signature}`,
      `${encode({ typ: 'at+jwt' })}.${payload}.${signature}`,
      `${encode({ alg: ['RS256'], typ: 'at+jwt' })}.${payload}.${signature}`,
    ],
    JWT_KIT_WRONG_KIND: [
      sign(key, {}, { typ: 'JWT' }),
      sign(key, {}, { typ: undefined }),
      sign(key, {}, { typ: 'refresh+jwt' }),
    ],
    JWT_KIT_HEADER: [
      `${encode({ alg: 'RS256', typ: 'at+jwt', kid: '2026-11', crit: ['x'], x: 1 })}.${payload}.${signature}`,
      `${encode({ alg: 'RS256', typ: 'at+jwt', kid: '2026-11', b64: false })}.${payload}.${signature}`,
    ],
    JWT_KIT_UNKNOWN_KEY: [sign(key, {}, { kid: 'other' }), sign(key, {}, { kid: '__proto__' })],
    JWT_KIT_SIGNATURE: [
      sign(other),
      `${header}.${payload}.`,
      `${header}.${encode({ ...JSON.parse(Buffer.from(payload, 'base64url').toString()), sub: '8' })}.${signature}`,
    ],
    JWT_KIT_WRONG_ISSUER: [
      sign(key, { iss: 'https://evil.example/' }),
      sign(key, { iss: ISSUER.slice(0, -1) }),
    ],
    JWT_KIT_WRONG_AUDIENCE: [
      sign(key, { aud: 'other' }),
      sign(key, { aud: [] }),
      sign(key, { aud: ['a', 'b'] }),
    ],
    JWT_KIT_EXPIRED: [sign(key, { exp: now - 5 }), sign(key, { exp: 0 })],
    JWT_KIT_NOT_YET_VALID: [sign(key, { iat: now + 6 }), sign(key, { nbf: now + 6 })],
    JWT_KIT_CLAIMS: [
      sign(key, { iss: undefined }),
      sign(key, { aud: undefined }),
      sign(key, { aud: [1] }),
      sign(key, { exp: undefined }),
      sign(key, { exp: '9999999999' }),
      sign(key, { exp: 1e300 }),
      sign(key, { iat: -1 }),
      sign(key, { sub: 7 }),
      sign(key, { sub: undefined }),
    ],
  }
  for (const [code, tokens] of Object.entries(faults)) {
    for (const [at, token] of tokens.entries()) {
      const text = await token
      const error = await errorOf(() => remote.verify(text as string))
      t.match(error, { name: 'JwtKitError', code, statusCode: 401 }, `${code} ${at}`)
      if (typeof text === 'string' && text.length > 20) t.notOk(JSON.stringify(error).includes(text))
    }
  }
  t.equal((await remote.verify(good)).sub, '7')
})

t.test('an HMAC made with the public key is not accepted, in no allow-list', async (t) => {
  const input = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: '2026-11' })}.${encode({ iss: ISSUER })}`
  const publicPem = 'x'
  const token = `${input}.${createHmac('sha256', publicPem).update(input).digest('base64url')}`
  await t.rejects(remote.verify(token), { code: 'JWT_KIT_ALGORITHM' })
  t.throws(() => jwtRemote({ ...options, algorithms: ['HS256' as 'RS256'] }), { code: 'JWT_KIT_OPTIONS' })
})

t.test('a secret in the key set verifies nothing', async (t) => {
  const k = randomBytes(32)
  const secret = { kty: 'oct', kid: 'secret', alg: 'HS256', k: k.toString('base64url') }
  const disguised = { kty: 'oct', kid: 'disguised', k: k.toString('base64url') }
  const remote = jwtRemote(optionsFor({ jwks: { keys: [secret, disguised, key.jwk] } }))
  for (const kid of ['secret', 'disguised']) {
    const input = `${encode({ alg: 'HS256', typ: 'at+jwt', kid })}.${encode({})}`
    const token = `${input}.${createHmac('sha256', k).update(input).digest('base64url')}`
    await t.rejects(remote.verify(token), { code: 'JWT_KIT_ALGORITHM' })
    await t.rejects(remote.verify(await sign(key, {}, { kid })), { code: 'JWT_KIT_UNKNOWN_KEY' })
  }
})

t.test('the algorithm has to be that of the key, though the key could do both', async (t) => {
  const pss = { ...key, alg: 'PS256' as const }
  const both = { algorithms: ['RS256', 'PS256'] as const }
  await t.rejects(jwtRemote({ ...options, ...both }).verify(await sign(pss)), { code: 'JWT_KIT_ALGORITHM' })
  const { alg: _, ...unnamed } = key.jwk
  const open = jwtRemote({ ...options, jwks: { keys: [unnamed] }, ...both })
  t.equal((await open.verify(await sign(pss))).sub, '7', 'a key that names none may be used with both')
  t.equal((await open.verify(await sign(key))).sub, '7')
})

t.test('a key that the sender brings along is neither used nor fetched', async (t) => {
  const evil = makeKey('2026-11')
  const visited = await startProvider(t, setOf(evil))
  const url = { jku: visited.jwksUri, x5u: visited.jwksUri }
  const keyInHeader = { jwk: evil.jwk, x5c: ['MIIB'] }
  for (const member of [
    { jku: url.jku },
    { x5u: url.x5u },
    { jwk: keyInHeader.jwk },
    { x5c: keyInHeader.x5c },
  ]) {
    const name = `${Object.keys(member)}`
    await t.rejects(remote.verify(await sign(evil, {}, member)), { code: 'JWT_KIT_SIGNATURE' }, name)
    t.equal((await remote.verify(await sign(key, {}, member))).sub, '7', `${name} is ignored otherwise`)
  }
  t.equal(visited.requests, 0)
})

t.test('several issuers, audiences, clients and types', async (t) => {
  const google = jwtRemote({ ...options, issuer: ['https://accounts.google.com', 'accounts.google.com'] })
  for (const iss of ['https://accounts.google.com', 'accounts.google.com'])
    t.equal((await google.verify(await sign(key, { iss }))).iss, iss)
  await t.rejects(google.verify(await sign(key)), { code: 'JWT_KIT_WRONG_ISSUER' })

  const two = jwtRemote({ ...options, audience: ['a', 'b'] })
  for (const aud of ['a', 'b', ['x', 'b']]) t.ok(await two.verify(await sign(key, { aud })))
  await t.rejects(two.verify(await sign(key)), { code: 'JWT_KIT_WRONG_AUDIENCE' })

  const azp = jwtRemote({ ...options, authorizedParty: ['web', 'app'] })
  t.ok(await azp.verify(await sign(key, { azp: 'app' })))
  for (const other of ['other', undefined, 7, ['app']])
    await t.rejects(azp.verify(await sign(key, { azp: other })), { code: 'JWT_KIT_CLAIMS', claim: 'azp' })

  const loose = jwtRemote({ ...options, typ: ['JWT', null] })
  for (const typ of ['JWT', 'jwt', 'application/jwt', undefined])
    t.ok(await loose.verify(await sign(key, {}, { typ })), `${typ}`)
  await t.rejects(loose.verify(await sign(key)), { code: 'JWT_KIT_WRONG_KIND' })
  t.ok(await remote.verify(await sign(key, {}, { typ: 'application/AT+JWT' })))
})

t.test('without an audience, a token that has one is rejected', async (t) => {
  const none = jwtRemote({ ...options, audience: false })
  t.ok(await none.verify(await sign(key, { aud: undefined })))
  await t.rejects(none.verify(await sign(key)), { code: 'JWT_KIT_WRONG_AUDIENCE' })
})

t.test('the tolerance of clocks holds for exp, iat and nbf, and ends on its second', async (t) => {
  const tolerant = jwtRemote({ ...options, clockTolerance: '2m' })
  for (const [payload, code] of [
    [{ exp: now - 119 }, undefined],
    [{ exp: now - 120 }, 'JWT_KIT_EXPIRED'],
    [{ iat: now + 120 }, undefined],
    [{ iat: now + 121 }, 'JWT_KIT_NOT_YET_VALID'],
    [{ nbf: now + 120 }, undefined],
    [{ nbf: now + 121 }, 'JWT_KIT_NOT_YET_VALID'],
  ] as const) {
    const token = await sign(key, payload)
    if (code === undefined) t.ok(await tolerant.verify(token), JSON.stringify(payload))
    else await t.rejects(tolerant.verify(token), { code }, JSON.stringify(payload))
  }
  const broken = jwtRemote({ ...options, now: () => Number.NaN })
  await t.rejects(
    broken.verify(await sign(key)),
    { code: 'JWT_KIT_EXPIRED' },
    'a broken clock accepts nothing',
  )
})

t.test('a token of 200 roles is accepted once the limit is raised', async (t) => {
  const roles = Array.from({ length: 200 }, (_, at) => `department-${at}:resource-${at}:manage`)
  const token = await sign(key, { roles })
  t.ok(token.length > 8192)
  const schema = Type.Object({ roles: Type.Array(Type.String()) })
  await t.rejects(jwtRemote({ ...options, claims: schema }).verify(token), {
    code: 'JWT_KIT_TOO_LARGE',
    hint: /maxTokenLength/,
  })
  const raised = jwtRemote({ ...options, claims: schema, maxTokenLength: 16_384 })
  t.same((await raised.verify(token)).roles, roles)
  t.match(await raised.explain(token), { verdict: { accepted: true } })
})

t.test('claims with names that jwt-kit refuses to sign may be read', async (t) => {
  const email = jwtRemote({
    ...options,
    claims: Type.Object({
      email: Type.String(),
      address: Type.Optional(Type.Object({ street_address: Type.String() })),
    }),
  })
  const verified = await email.verify(
    await sign(key, { email: 'ada@example.com', address: { street_address: 'x' } }),
  )
  t.equal(verified.email, 'ada@example.com')
  t.same(verified.address, { street_address: 'x' })
  await t.rejects(email.verify(await sign(key)), { code: 'JWT_KIT_CLAIMS', claim: 'email', message: /email/ })
})

t.test('a closed schema rejects a claim that it does not name', async (t) => {
  const schema = Type.Object({ sub: Type.String() }, { additionalProperties: false })
  const closed = jwtRemote({ ...options, claims: schema })
  t.ok(await closed.verify(await sign(key)))
  await t.rejects(closed.verify(await sign(key, { extra: 1 })), { code: 'JWT_KIT_CLAIMS' })
})

t.test('a member called __proto__ changes nothing', async (t) => {
  const header = encode({ alg: 'RS256', typ: 'at+jwt', kid: '2026-11' })
  const text = `{"iss":"${ISSUER}","aud":"${AUDIENCE}","exp":${now + 60},"sub":"7","__proto__":{"role":"admin"}}`
  const input = `${header}.${Buffer.from(text).toString('base64url')}`
  const token = `${input}.${createSign('sha256').update(input).sign(key.privateKey, 'base64url')}`
  const verified = await remote.verify(token)
  t.equal((verified as unknown as { role?: string }).role, undefined)
  t.equal(Object.getPrototypeOf(verified), Object.prototype)
})
