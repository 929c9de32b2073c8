import {
  createHmac,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUID,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto'
import os from 'node:os'
import { type Algorithm, jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { forge, testClock } from '@auth-primer/jwt-kit/testing'
import { Type } from '@sinclair/typebox'
import { createSigner, createVerifier } from 'fast-jwt'
import fastify from 'fastify'
import { type CryptoKey, importPKCS8, importSPKI, jwtVerify, SignJWT } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import { flood } from './flood.ts'
import { best, grade, micro, ratio, table } from './measure.ts'

const issuer = 'https://auth.shop.example'
const audience = 'shop-api'
const access = tokenKind('access+jwt', {
  ttl: '30m',
  claims: Type.Object({
    sub: Type.String(),
    role: Type.Union([Type.Literal('user'), Type.Literal('admin')]),
  }),
})
const refresh = tokenKind('refresh+jwt', { ttl: '30d', claims: Type.Object({ sub: Type.String() }) })
const claims = { sub: '7', role: 'user' } as const
const secret = randomBytes(32)

const ALGORITHMS = ['HS256', 'ES256', 'EdDSA', 'RS256'] as const
const privateKeys: Record<string, KeyObject> = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  EdDSA: generateKeyPairSync('ed25519').privateKey,
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
}

console.log(
  `Node ${process.version}, ${os.cpus()[0]?.model}, ${os.cpus().length} cores. Best of many rounds, one operation at a time.`,
)

const goals: string[][] = []
for (const algorithm of ALGORITHMS) {
  await compare(algorithm)
}
table('jwt-kit against its goals', [['', 'of fast-jwt', '', 'of jose', ''], ...goals])
await refusals()
await kids()
await guard()
await flooded()

/** Each library at its best: keys made once, as KeyObjects where it takes them. */
async function compare(algorithm: Algorithm & (typeof ALGORITHMS)[number]) {
  const isSecret = algorithm === 'HS256'
  const signing = isSecret ? createSecretKey(secret) : (privateKeys[algorithm] as KeyObject)
  const verifying = isSecret ? signing : createPublicKey(signing)
  const pem = (key: KeyObject) =>
    isSecret
      ? secret
      : (key.export({ type: key.type === 'public' ? 'spki' : 'pkcs8', format: 'pem' }) as string)
  const kit = jwtKit({
    issuer,
    audience,
    keys: keyring(algorithm, [{ kid: '2026-11', key: signing }]),
    kinds: { access },
  })
  const token = kit.access.sign(claims)
  const input = Buffer.from(token.slice(0, token.lastIndexOf('.')))
  const signature = Buffer.from(token.slice(token.lastIndexOf('.') + 1), 'base64url')
  const digest = algorithm === 'EdDSA' ? null : 'sha256'
  const ieee = { dsaEncoding: 'ieee-p1363' } as const

  const engineSigner = createSigner({
    key: pem(signing),
    algorithm,
    iss: issuer,
    aud: audience,
    expiresIn: '30m',
    kid: '2026-11',
  })
  const engineVerifier = createVerifier({ key: pem(verifying), algorithms: [algorithm] })
  const josed = { issuer, audience, algorithms: [algorithm], typ: 'access+jwt' }
  const [webSigning, webVerifying] = await toCryptoKeys(algorithm, signing, verifying)
  const webbed = algorithm === 'EdDSA' ? undefined : algorithm

  const signed = await best({
    'node:crypto': () =>
      isSecret
        ? createHmac('sha256', signing).update(input).digest()
        : sign(digest, input, { key: signing, ...ieee }),
    'fast-jwt': () => engineSigner({ ...claims, jti: randomUUID() }),
    'jwt-kit': () => kit.access.sign(claims),
    jose: () =>
      new SignJWT(claims)
        .setProtectedHeader({ alg: algorithm, typ: 'access+jwt', kid: '2026-11' })
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime('30m')
        .setJti(randomUUID())
        .sign(webSigning),
    jsonwebtoken:
      webbed &&
      (() =>
        jsonwebtoken.sign({ ...claims }, signing, {
          algorithm: webbed,
          issuer,
          audience,
          expiresIn: '30m',
          keyid: '2026-11',
          jwtid: randomUUID(),
        })),
  })
  const verified = await best({
    'node:crypto': () =>
      isSecret
        ? timingSafeEqual(createHmac('sha256', verifying).update(input).digest(), signature)
        : verify(digest, input, { key: verifying, ...ieee }, signature),
    'fast-jwt': () => engineVerifier(token),
    'jwt-kit': () => kit.access.verify(token),
    jose: () => jwtVerify(token, webVerifying, josed),
    jsonwebtoken:
      webbed && (() => jsonwebtoken.verify(token, verifying, { algorithms: [webbed], issuer, audience })),
  })
  for (const [what, times] of [
    ['sign', signed],
    ['verify', verified],
  ] as const) {
    const goal = what === 'verify' && isSecret ? 1.25 : isSecret ? undefined : 1.1
    const own = times['jwt-kit'] as number
    const engine = times['fast-jwt'] as number
    const rows = Object.entries(times).map(([name, time]) => [
      name,
      micro(time as number),
      ratio(time as number, engine),
    ])
    table(`${algorithm} ${what}`, [['', 'time', 'of fast-jwt'], ...rows])
    const jose = times.jose as number
    goals.push([
      `${algorithm} ${what}`,
      ratio(own, engine),
      goal === undefined ? 'no goal' : grade(own / engine, goal),
      ratio(own, jose),
      grade(own / jose, 1),
    ])
  }
}

/** The keys as jose likes them best. */
async function toCryptoKeys(
  algorithm: string,
  signing: KeyObject,
  verifying: KeyObject,
): Promise<[CryptoKey, CryptoKey]> {
  if (signing.type === 'secret') {
    const hmac = { name: 'HMAC', hash: 'SHA-256' }
    const key = await crypto.subtle.importKey('raw', secret, hmac, false, ['sign', 'verify'])
    return [key, key]
  }
  const [pkcs8, spki] = [
    signing.export({ type: 'pkcs8', format: 'pem' }),
    verifying.export({ type: 'spki', format: 'pem' }),
  ]
  return [await importPKCS8(String(pkcs8), algorithm), await importSPKI(String(spki), algorithm)]
}

async function refusals() {
  const clock = testClock()
  const keys = keyring('HS256', [{ kid: '2026-11', key: secret }])
  const kit = jwtKit({ issuer, audience, keys, kinds: { access, refresh }, now: clock.now })
  const now = clock.now() / 1000
  const tokens = {
    'accepted, for comparison': kit.access.sign(claims),
    'not three parts': 'abc',
    'too large': 'x'.repeat(9000),
    'wrong algorithm': forge(kit.access, claims, { header: { alg: 'none' } }),
    'wrong kind': kit.refresh.sign({ sub: '7' }),
    'unknown key': forge(kit.access, claims, { header: { kid: 'other' } }),
    'wrong signature': forge(kit.access, claims, { signature: randomBytes(32).toString('base64url') }),
    expired: forge(kit.access, claims, { claims: { iat: now - 60, exp: now - 1 } }),
    'wrong claims': forge(kit.access, claims, { claims: { role: 'root' } }),
    'wrong signature, 8 KB': forge(kit.access, claims, {
      claims: { padding: 'x'.repeat(3900) },
      signature: 'A'.repeat(2400),
    }),
  }
  const times = await best(
    Object.fromEntries(
      Object.entries(tokens).map(([name, token]) => [
        name,
        () => kit.access.verify(token).catch(() => undefined),
      ]),
    ),
  )
  table('The cost of a refusal, by the stage that refuses (HS256)', [
    ['', 'time'],
    ...Object.entries(times).map(([name, time]) => [name, micro(time as number)]),
  ])
}

async function kids() {
  const kits = [1, 10, 100].map((count) => {
    const entries = Array.from({ length: count }, (_, at) => ({ kid: `key-${at}`, key: randomBytes(32) }))
    return jwtKit({ issuer, audience, keys: keyring('HS256', entries.toReversed()), kinds: { access } })
  })
  const tasks = Object.fromEntries(
    kits.map((kit, at) => {
      const token = kit.access.sign(claims)
      return [`${10 ** at} on the ring`, () => kit.access.verify(token)]
    }),
  )
  const times = await best(tasks)
  table('Verify (HS256) by the number of keys on the ring', [
    ['', 'time'],
    ...Object.entries(times).map(([name, time]) => [name, micro(time as number)]),
  ])
}

async function guard() {
  const kit = jwtKit({
    issuer,
    audience,
    keys: keyring('HS256', [{ kid: '2026-11', key: secret }]),
    kinds: { access },
  })
  const app = fastify()
  app.get('/open', async () => 'ok')
  app.get('/guarded', { onRequest: kit.access.guard() }, async () => 'ok')
  const headers = { authorization: `Bearer ${kit.access.sign(claims)}` }
  const times = await best({
    'without a guard': () => app.inject({ url: '/open', headers }).then((reply) => reply.statusCode),
    'with a guard': () => app.inject({ url: '/guarded', headers }).then((reply) => reply.statusCode),
  })
  const cost = (times['with a guard'] as number) - (times['without a guard'] as number)
  table('A request to Fastify (inject)', [
    ['', 'time'],
    ...Object.entries(times).map(([name, time]) => [name, micro(time)]),
    ['the guard', micro(cost)],
  ])
}

async function flooded() {
  const rows = await flood(3000)
  table('Event-loop delay of a server under a flood on 64 connections', [
    ['', 'requests/s', 'p50', 'p99'],
    ...rows,
  ])
}
