import { createPublicKey } from 'node:crypto'
import { Type } from '@sinclair/typebox'
import { createSigner, createVerifier } from 'fast-jwt'
import t from 'tap'
import { ALGORITHMS, jwtKit, keyring, MAX_PAYLOAD_BYTES, MAX_TOKEN_LENGTH, tokenKind } from '../src/index.ts'
import { type Forgery, forge } from '../src/testing.ts'
import {
  accessKind,
  CLAIMS,
  errorOf,
  ISSUER,
  makeKit,
  OTHER_SECRET,
  privateKeys,
  refreshKind,
  ringOf,
  SECRET,
} from './support.ts'

/** fast-jwt with all that it can be told, on the same clock. */
function strictEngine(now: number, more = {}) {
  return createVerifier({
    key: SECRET,
    algorithms: ['HS256'],
    allowedIss: ISSUER,
    allowedAud: 'shop-api',
    allowedSub: '7',
    clockTimestamp: now * 1000,
    ...more,
  })
}

for (const algorithm of ALGORITHMS) {
  t.test(`${algorithm}: gives the claims back, frozen through and through`, async (t) => {
    const nested = tokenKind('nested+jwt', {
      ttl: '1m',
      claims: Type.Object({ sub: Type.String(), org: Type.Object({ roles: Type.Array(Type.String()) }) }),
    })
    const kit = jwtKit({ issuer: ISSUER, audience: 'shop-api', keys: ringOf(algorithm), kinds: { nested } })
    const token = kit.nested.sign({ sub: '7', org: { roles: ['a'] } })
    const claims = await kit.nested.verify(token)
    t.match(claims, { sub: '7', org: { roles: ['a'] }, iss: ISSUER, aud: 'shop-api', jti: String })
    for (const part of [claims, claims.org, claims.org.roles]) t.ok(Object.isFrozen(part))
    t.not(await kit.nested.verify(token), claims, 'an object of its own each time')
  })
}

t.test('no kind passes for another, each against each, on one key', async (t) => {
  const claims = Type.Object({ sub: Type.String() })
  const names = ['access', 'refresh', 'invite', 'reset'] as const
  const kinds = Object.fromEntries(
    names.map((name) => [name, tokenKind(`${name}+jwt`, { ttl: '1m', claims })]),
  )
  const kit = jwtKit({ issuer: ISSUER, keys: ringOf('HS256'), kinds }) as unknown as Record<
    string,
    ReturnType<typeof makeKit>['kit']['refresh']
  >
  for (const signer of names) {
    for (const reader of names) {
      const token = kit[signer]?.sign({ sub: '7' }) as string
      if (signer === reader) t.match(await kit[reader]?.verify(token), { sub: '7' })
      else
        await t.rejects(
          kit[reader]?.verify(token) as Promise<unknown>,
          { code: 'JWT_KIT_WRONG_KIND', part: 'header' },
          `${signer} as ${reader}`,
        )
    }
  }
})

/** What fast-jwt accepts though it is told all that it can be, and what ours says of it. */
const LET_THROUGH: Record<string, [Forgery, { code: string; claim?: string }]> = {
  'without iss': [{ claims: { iss: undefined } }, { code: 'JWT_KIT_CLAIMS', claim: 'iss' }],
  'without aud': [{ claims: { aud: undefined } }, { code: 'JWT_KIT_CLAIMS', claim: 'aud' }],
  'without sub': [{ claims: { sub: undefined } }, { code: 'JWT_KIT_CLAIMS', claim: 'sub' }],
  'without exp': [{ claims: { exp: undefined } }, { code: 'JWT_KIT_CLAIMS', claim: 'exp' }],
  'exactly at exp': [
    { claims: { iat: 1_795_348_740, exp: 1_795_348_800 } },
    { code: 'JWT_KIT_EXPIRED', claim: 'exp' },
  ],
  'with an exp of 1e400': [
    {
      claims: `{"sub":"7","role":"user","iss":"${ISSUER}","aud":"shop-api","iat":1795348800,"exp":1e400,"jti":"1"}`,
    },
    { code: 'JWT_KIT_CLAIMS', claim: 'exp' },
  ],
  'issued in the future': [
    { claims: { iat: 1_795_349_800, exp: 1_795_350_000 } },
    { code: 'JWT_KIT_NOT_YET_VALID', claim: 'iat' },
  ],
  'with crit ""': [{ header: { crit: '' } }, { code: 'JWT_KIT_HEADER' }],
  'with crit null': [{ header: { crit: null } }, { code: 'JWT_KIT_HEADER' }],
  'with a claim twice': [
    {
      claims: `{"sub":"7","role":"admin","role":"user","iss":"${ISSUER}","aud":"shop-api","iat":1795348800,"exp":1795348900,"jti":"1"}`,
    },
    { code: 'JWT_KIT_MALFORMED' },
  ],
  'with a header member twice': [
    { header: '{"alg":"none","alg":"HS256","typ":"access+jwt","kid":"2026-11"}' },
    { code: 'JWT_KIT_MALFORMED' },
  ],
  'of 5 MB': [{ claims: { padding: 'x'.repeat(5_000_000) } }, { code: 'JWT_KIT_TOO_LARGE' }],
  'that brings a key along': [{ header: { jwk: { kty: 'oct', k: 'AA' } } }, { code: 'JWT_KIT_HEADER' }],
}

for (const [name, [forgery, error]] of Object.entries(LET_THROUGH)) {
  t.test(`refuses a token ${name}, which fast-jwt accepts`, async (t) => {
    const { kit, now } = makeKit(ringOf('HS256'), 'shop-api')
    const token = forge(kit.access, CLAIMS, forgery)
    t.ok(strictEngine(now)(token), 'fast-jwt accepts it')
    await t.rejects(kit.access.verify(token), error)
    t.match(
      await kit.access.verify(forge(kit.access, CLAIMS)),
      CLAIMS,
      'and takes the token when it is right',
    )
  })
}

t.test('refuses bits left over in base64url, which fast-jwt accepts', async (t) => {
  const { kit, now } = makeKit(ringOf('HS256'), 'shop-api')
  const token = kit.access.sign(CLAIMS)
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const last = alphabet.indexOf(token.slice(-1))
  const other = token.slice(0, -1) + alphabet[last ^ 1]
  t.ok(strictEngine(now)(other), 'fast-jwt accepts it')
  await t.rejects(kit.access.verify(other), { code: 'JWT_KIT_MALFORMED', part: 'signature' })
})

t.test('answers nbf 1e300 as any other, where fast-jwt throws a RangeError', async (t) => {
  const { kit, now } = makeKit()
  const token = forge(kit.access, CLAIMS, { claims: { nbf: 1e300 } })
  t.throws(() => strictEngine(now)(token), RangeError)
  await t.rejects(kit.access.verify(token), { code: 'JWT_KIT_CLAIMS', claim: 'nbf' })
  await t.rejects(kit.access.verify(forge(kit.access, CLAIMS, { claims: { nbf: now + 60 } })), {
    code: 'JWT_KIT_NOT_YET_VALID',
    claim: 'nbf',
  })
})

t.test(
  'does not share an object between two, nor know a token after its key is gone, as a cache does',
  async (t) => {
    const cached = createVerifier({ key: SECRET, cache: true })
    const token = createSigner({ key: SECRET })({ sub: '7' })
    t.equal(cached(token), cached(token), "fast-jwt's cache hands out one object")
    const { kit } = makeKit(
      keyring('HS256', [
        { kid: 'a', key: SECRET },
        { kid: 'b', key: OTHER_SECRET },
      ]),
    )
    const ours = kit.access.sign(CLAIMS)
    t.not(await kit.access.verify(ours), await kit.access.verify(ours))
    const { kit: later } = makeKit(keyring('HS256', [{ kid: 'b', key: OTHER_SECRET }]))
    await t.rejects(later.access.verify(ours), { code: 'JWT_KIT_UNKNOWN_KEY' })
  },
)

t.test('refuses every other algorithm, and none', async (t) => {
  const { kit } = makeKit()
  for (const alg of [
    'none',
    'None',
    'NONE',
    'hs256',
    'HS384',
    'HS512',
    'RS256',
    'ES256',
    'EdDSA',
    '',
    null,
    undefined,
    7,
    ['HS256'],
    { HS256: 1 },
  ]) {
    for (const signature of ['', undefined]) {
      const forgery = { header: { alg }, ...(signature !== undefined && { signature }) }
      await t.rejects(kit.access.verify(forge(kit.access, CLAIMS, forgery)), {
        code: 'JWT_KIT_ALGORITHM',
        part: 'header',
      })
    }
  }
  await t.rejects(
    kit.access.verify(forge(kit.access, CLAIMS, { signature: '' })),
    { code: 'JWT_KIT_SIGNATURE' },
    'no signature',
  )
})

t.test('does not take a public key for a secret', async (t) => {
  const pem = createPublicKey(privateKeys.RS256).export({ type: 'spki', format: 'pem' }) as string
  const { kit } = makeKit(ringOf('RS256'))
  const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'access+jwt', kid: '2026-11' })).toString(
    'base64url',
  )
  const forged = createSigner({
    key: pem,
    algorithm: 'HS256',
    kid: '2026-11',
    header: { alg: 'HS256', typ: 'access+jwt' },
  })({ ...CLAIMS })
  t.equal(forged.split('.')[0], header)
  await t.rejects(kit.access.verify(forged), { code: 'JWT_KIT_ALGORITHM' })
})

t.test('refuses a header that asks for what there is not, and ignores one that only says more', async (t) => {
  const { kit } = makeKit()
  for (const header of [
    { crit: ['exp'] },
    { crit: [] },
    { crit: ['b64'], b64: false },
    { b64: true },
    { jku: 'https://x' },
    { x5c: [] },
    { x5u: 'https://x' },
    { zip: 'DEF' },
    { enc: 'A256GCM' },
  ]) {
    await t.rejects(
      kit.access.verify(forge(kit.access, CLAIMS, { header })),
      { code: 'JWT_KIT_HEADER' },
      JSON.stringify(header),
    )
  }
  for (const header of [{ x5t: 'abc' }, { unknown: 1 }, { cty: 'json' }])
    t.match(await kit.access.verify(forge(kit.access, CLAIMS, { header })), CLAIMS)
})

t.test('refuses what is no token', async (t) => {
  const { kit } = makeKit()
  const good = kit.access.sign(CLAIMS)
  const [header, payload, signature] = good.split('.')
  for (const token of [
    '',
    '.',
    '..',
    '...',
    'a',
    'a.b',
    good.replace('.', ''),
    `${good}.`,
    `${good}.x`,
    `.${good}`,
    `${header}.${payload}`,
    `${header}.${payload}.${signature}.${signature}`,
    ` ${good}`,
    `${good} `,
    `${good}\n`,
    `${good}=`,
    good.replace('.', ' .'),
    `${header}.${payload}=.${signature}`,
    `${header}=.${payload}.${signature}`,
    `${header}..${signature}`,
    `.${payload}.${signature}`,
    `e30.${payload}.${signature}`.replace('e30', 'e31'),
    `W10.${payload}.${signature}`,
    `bnVsbA.${payload}.${signature}`,
    `${header}.ä.${signature}`,
    '\u0000',
    '🙂.🙂.🙂',
  ]) {
    await t.rejects(kit.access.verify(token), { code: 'JWT_KIT_MALFORMED' }, token.slice(0, 20))
  }
  for (const token of [
    undefined,
    null,
    7,
    {},
    [],
    true,
    Buffer.from(good),
    new String(good),
    Symbol('x'),
    () => good,
  ]) {
    await t.rejects(kit.access.verify(token as string), { code: 'JWT_KIT_MALFORMED', part: 'token' })
  }
  for (const text of ['7', 'null', '[]', '"x"', 'x', '{', '{"a":1}{']) {
    await t.rejects(
      kit.access.verify(forge(kit.access, CLAIMS, { claims: text })),
      { code: 'JWT_KIT_MALFORMED', part: 'payload' },
      text,
    )
  }
  await t.rejects(kit.access.verify(forge(kit.access, CLAIMS, { header: '[]' })), {
    code: 'JWT_KIT_MALFORMED',
    part: 'header',
  })
})

t.test('refuses a payload that is not UTF-8', async (t) => {
  const { kit } = makeKit()
  const token = forge(kit.access, CLAIMS)
  const [header, payload] = token.split('.')
  const bytes = Buffer.from(String(payload), 'base64url')
  bytes[bytes.indexOf('user')] = 0xff
  const json = bytes.toString('latin1')
  const { createHmac } = await import('node:crypto')
  const input = `${header}.${Buffer.from(json, 'latin1').toString('base64url')}`
  const signed = `${input}.${createHmac('sha256', SECRET).update(input).digest('base64url')}`
  await t.rejects(kit.access.verify(signed), {
    code: 'JWT_KIT_MALFORMED',
    message: 'The payload is not UTF-8',
  })
})

t.test('refuses a token or a payload that is too large before it is read', async (t) => {
  const { kit } = makeKit()
  await t.rejects(kit.access.verify('x'.repeat(MAX_TOKEN_LENGTH + 1)), {
    code: 'JWT_KIT_TOO_LARGE',
    part: 'token',
  })
  await t.rejects(kit.access.verify('x'.repeat(MAX_TOKEN_LENGTH)), { code: 'JWT_KIT_MALFORMED' })
  const length = (claims: Record<string, unknown>) =>
    Buffer.from(forge(kit.access, CLAIMS, { claims }).split('.')[1] as string, 'base64url').length
  const rest = MAX_PAYLOAD_BYTES - length({ padding: '' })
  t.match(
    await kit.access.verify(forge(kit.access, CLAIMS, { claims: { padding: 'x'.repeat(rest) } })),
    CLAIMS,
    '4096 bytes',
  )
  const over = forge(kit.access, CLAIMS, { claims: { padding: 'x'.repeat(rest + 1) } })
  await t.rejects(kit.access.verify(over), { code: 'JWT_KIT_TOO_LARGE', part: 'payload' }, '4097 bytes')
})

t.test('refuses a payload that is nested deep before it is parsed, and does not sign one', async (t) => {
  const claims = Type.Object({ any: Type.Unknown() })
  const kinds = { x: tokenKind('x+jwt', { ttl: '1m', claims }) }
  const kit = jwtKit({ issuer: ISSUER, keys: ringOf('HS256'), kinds })
  const nested = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
  t.match(await kit.x.verify(kit.x.sign({ any: nested(31) })), { any: nested(31) })
  t.throws(() => kit.x.sign({ any: nested(32) }), { code: 'JWT_KIT_SIGN_CLAIMS' })
  await t.rejects(kit.x.verify(forge(kit.x, { any: nested(32) })), {
    code: 'JWT_KIT_MALFORMED',
    part: 'payload',
  })
})

t.test('refuses a signature by another key', async (t) => {
  const { kit } = makeKit()
  const keys = keyring('HS256', [{ kid: '2026-11', key: OTHER_SECRET }])
  await t.rejects(kit.access.verify(forge(kit.access, CLAIMS, { keys })), {
    code: 'JWT_KIT_SIGNATURE',
    part: 'signature',
  })
})

for (const algorithm of ['ES256', 'EdDSA', 'RS256', 'PS256'] as const) {
  t.test(`${algorithm}: refuses a signature that is short, long, empty or of zeros`, async (t) => {
    const { kit } = makeKit(ringOf(algorithm))
    const right = Buffer.from(kit.access.sign(CLAIMS).split('.')[2] as string, 'base64url')
    for (const bytes of [
      right.subarray(1),
      right.subarray(0, -1),
      Buffer.concat([right, Buffer.alloc(1)]),
      Buffer.alloc(0),
      Buffer.alloc(1),
      Buffer.alloc(right.length),
      Buffer.alloc(right.length, 0xff),
    ]) {
      const token = forge(kit.access, CLAIMS, { signature: bytes.toString('base64url') })
      await t.rejects(kit.access.verify(token), { code: 'JWT_KIT_SIGNATURE' })
    }
  })
}

t.test('refuses claims that are not those of the schema, and names the claim', async (t) => {
  const { kit } = makeKit()
  for (const role of ['root', 'User', '', null, 7, undefined, ['user']]) {
    await t.rejects(kit.access.verify(forge(kit.access, CLAIMS, { claims: { role } })), {
      code: 'JWT_KIT_CLAIMS',
      part: 'payload',
      claim: 'role',
    })
  }
  const error = await errorOf(() =>
    kit.access.verify(forge(kit.access, CLAIMS, { claims: { role: 'root-4711' } })),
  )
  t.notOk(`${error.stack}${JSON.stringify(error)}`.includes('root-4711'), 'but not its value')
})

t.test('takes a good token of one kind while the ring is shared', async (t) => {
  const kit = jwtKit({
    issuer: ISSUER,
    keys: ringOf('HS256'),
    kinds: { access: accessKind, refresh: refreshKind },
  })
  t.match(await kit.refresh.verify(kit.refresh.sign({ sub: '7' })), { sub: '7' })
})
