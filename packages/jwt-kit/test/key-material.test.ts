import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto'
import { createSigner, createVerifier } from 'fast-jwt'
import t from 'tap'
import { ALGORITHMS, type Algorithm, type KeyInput, keyring } from '../src/index.ts'
import { forge } from '../src/testing.ts'
import { CLAIMS, errorOf, makeKit, privateKeys, SECRET } from './support.ts'

type Asymmetric = Exclude<Algorithm, 'HS256'>
const ASYMMETRIC = ALGORITHMS.filter((name): name is Asymmetric => name !== 'HS256')

const ring = (algorithm: Algorithm, key: KeyInput, publicKey?: KeyInput) =>
  keyring(algorithm, [publicKey === undefined ? { kid: 'a', key } : { kid: 'a', key, publicKey }])
const pem = (key: KeyObject) =>
  key.export({ type: key.type === 'public' ? 'spki' : 'pkcs8', format: 'pem' }) as string
const jwk = (key: KeyObject): JsonWebKey => key.export({ format: 'jwk' })

for (const algorithm of ASYMMETRIC) {
  const privateKey = privateKeys[algorithm]
  const publicKey = createPublicKey(privateKey)

  t.test(
    `${algorithm}: takes PEM, a JWK and a KeyObject, and verifies what the other half signed`,
    async (t) => {
      for (const key of [pem(privateKey), Buffer.from(pem(privateKey)), jwk(privateKey), privateKey]) {
        for (const half of [pem(publicKey), jwk(publicKey), publicKey]) {
          const { kit } = makeKit(ring(algorithm, key))
          const { kit: reader } = makeKit(ring(algorithm, half))
          t.match(await reader.access.verify(kit.access.sign(CLAIMS)), CLAIMS)
          t.throws(
            () => reader.access.sign(CLAIMS),
            { code: 'JWT_KIT_NO_SIGNING_KEY' },
            'a public half does not sign',
          )
        }
      }
    },
  )

  t.test(`${algorithm}: takes two halves that match, and refuses two that do not`, async (t) => {
    t.ok(ring(algorithm, privateKey, publicKey))
    t.ok(ring(algorithm, jwk(privateKey), pem(publicKey)))
    const other = generate(algorithm)
    const code = { code: 'JWT_KIT_KEY', message: /do not match/ }
    t.throws(() => ring(algorithm, privateKey, createPublicKey(other)), code)
    t.throws(() => ring(algorithm, privateKey, privateKey), code, 'a private half is no public one')
    t.throws(() => ring(algorithm, publicKey, publicKey), { message: /is public already/ })
    const { x, y, n } = jwk(other)
    const mixed = { ...jwk(privateKey), ...(x && { x }), ...(y && { y }), ...(n && { n }) }
    t.throws(() => ring(algorithm, mixed), { code: 'JWT_KIT_KEY' }, 'a JWK with the public half of another')
  })

  t.test(`${algorithm}: heeds what a JWK says that it is for`, async (t) => {
    for (const half of [privateKey, publicKey]) {
      const key = jwk(half)
      const operation = half === privateKey ? 'sign' : 'verify'
      t.ok(ring(algorithm, { ...key, alg: algorithm, use: 'sig', key_ops: [operation] }))
      t.ok(ring(algorithm, { ...key, key_ops: ['sign', 'verify'] }))
      for (const wrong of [
        { use: 'enc' },
        { use: '' },
        { key_ops: [] },
        { key_ops: ['encrypt'] },
        { key_ops: [operation, operation] },
        { key_ops: [operation, 'decrypt'] },
        { key_ops: [half === privateKey ? 'verify' : 'sign'] },
        { key_ops: operation },
        { alg: 'none' },
        { alg: algorithm === 'ES256' ? 'ES384' : 'ES256' },
        { kty: 'oct', k: SECRET },
        { kty: undefined },
      ]) {
        t.throws(
          () => ring(algorithm, { ...key, ...wrong } as JsonWebKey),
          { code: 'JWT_KIT_KEY' },
          JSON.stringify(wrong),
        )
      }
    }
  })

  t.test(`${algorithm}: refuses a JWK whose members are not base64url`, async (t) => {
    for (const half of [privateKey, publicKey]) {
      const key = jwk(half) as Record<string, string>
      for (const name of Object.keys(key).filter((member) => !['kty', 'crv'].includes(member))) {
        for (const wrong of [`${key[name]}=`, ` ${key[name]}`, '', undefined, 7, '+/+/']) {
          if (name === 'd' && wrong === undefined) continue
          t.throws(
            () => ring(algorithm, { ...key, [name]: wrong } as JsonWebKey),
            { code: 'JWT_KIT_KEY' },
            `${name} ${wrong}`,
          )
        }
      }
    }
  })

  t.test(`${algorithm}: refuses a key of every other type`, async (t) => {
    const family = (name: string) => (name.startsWith('E') ? name : 'RSA')
    for (const other of ASYMMETRIC.filter((name) => family(name) !== family(algorithm))) {
      for (const key of [privateKeys[other], pem(privateKeys[other]), jwk(privateKeys[other])]) {
        t.throws(() => ring(algorithm, key), { code: 'JWT_KIT_KEY' }, other)
      }
    }
    t.throws(() => ring(algorithm, createSecretKey(Buffer.from(SECRET))), {
      code: 'JWT_KIT_KEY',
      message: /which (ES256|EdDSA|RS256|PS256) needs/,
    })
    t.throws(() => ring('HS256', privateKey), { code: 'JWT_KIT_KEY', message: /a secret, which HS256 needs/ })
    t.throws(() => ring('HS256', jwk(publicKey)), { code: 'JWT_KIT_KEY', message: /another `kty`/ })
  })
}

function generate(algorithm: Asymmetric): KeyObject {
  if (algorithm === 'ES256') return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519').privateKey
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
}

t.test('refuses RSA of 1024 bits, which fast-jwt takes', async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const token = createSigner({ key: pem(privateKey), algorithm: 'RS256' })({ sub: '7' })
  t.match(
    createVerifier({ key: pem(publicKey), algorithms: ['RS256'] })(token),
    { sub: '7' },
    'fast-jwt takes it',
  )
  for (const key of [privateKey, publicKey, pem(privateKey), jwk(publicKey)]) {
    t.throws(() => ring('RS256', key), { code: 'JWT_KIT_KEY', message: /at least 2048 bits/ })
    t.throws(() => ring('PS256', key), { code: 'JWT_KIT_KEY' })
  }
})

t.test('refuses RSA with a small exponent, and keys for RSA-PSS alone', async (t) => {
  const small = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 })
  t.throws(() => ring('RS256', small.privateKey), { code: 'JWT_KIT_KEY' })
  const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 })
  t.throws(() => ring('PS256', pss.privateKey), { code: 'JWT_KIT_KEY' })
})

t.test('refuses secp256k1 as ES256, which fast-jwt takes', async (t) => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' })
  const token = createSigner({ key: pem(privateKey), algorithm: 'ES256' })({ sub: '7' })
  t.match(
    createVerifier({ key: pem(publicKey), algorithms: ['ES256'] })(token),
    { sub: '7' },
    'fast-jwt takes it',
  )
  for (const key of [privateKey, publicKey, jwk(privateKey), pem(publicKey)]) {
    t.throws(() => ring('ES256', key), { code: 'JWT_KIT_KEY', message: /P-256/ })
  }
})

t.test('refuses other curves', async (t) => {
  t.throws(() => ring('ES256', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey), {
    code: 'JWT_KIT_KEY',
  })
  t.throws(() => ring('EdDSA', generateKeyPairSync('ed448').privateKey), { code: 'JWT_KIT_KEY' })
  t.throws(() => ring('EdDSA', generateKeyPairSync('x25519').privateKey), { code: 'JWT_KIT_KEY' })
})

t.test('takes one PEM block and nothing else', async (t) => {
  const text = pem(privateKeys.ES256)
  t.ok(ring('ES256', `\n${text}\n`))
  t.ok(ring('ES256', text.replaceAll('\n', '\r\n')))
  t.ok(ring('ES256', privateKeys.ES256.export({ type: 'sec1', format: 'pem' }) as string))
  t.ok(ring('RS256', privateKeys.RS256.export({ type: 'pkcs1', format: 'pem' }) as string))
  const encrypted = privateKeys.ES256.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'p',
  })
  for (const key of [
    `${text}${pem(createPublicKey(privateKeys.ES256))}`,
    `junk\n${text}`,
    encrypted as string,
    text.replaceAll('PRIVATE KEY', 'CERTIFICATE'),
    text.replace('END PRIVATE', 'END PUBLIC'),
    text.replace(/\n.{20}/, '\n'),
    '',
    'not a key',
  ]) {
    t.throws(() => ring('ES256', key), { code: 'JWT_KIT_KEY' })
  }
})

t.test('refuses what is no key at all', async (t) => {
  for (const key of [undefined, null, 7, [], true, () => SECRET]) {
    for (const algorithm of ALGORITHMS) t.throws(() => ring(algorithm, key as never), { code: 'JWT_KIT_KEY' })
  }
  t.throws(() => ring('HS256', SECRET, SECRET), { code: 'JWT_KIT_KEY', message: /no public half/ })
  t.throws(() => ring('HS256', { kty: 'oct' }), { code: 'JWT_KIT_KEY' })
  t.throws(() => ring('RS256', { ...jwk(privateKeys.RS256), oth: [] }), {
    code: 'JWT_KIT_KEY',
    message: /two primes/,
  })
  t.ok(
    ring('HS256', { kty: 'oct', k: Buffer.from(SECRET).toString('base64url'), key_ops: ['sign', 'verify'] }),
  )
})

t.test('does not print a key that it refuses, be it a number', async (t) => {
  const error = await errorOf(() =>
    ring('ES256', { ...jwk(privateKeys.ES256), d: 4711471147114711 as never }),
  )
  t.match(error, { code: 'JWT_KIT_KEY' })
  t.notOk(`${JSON.stringify(error)}${error.stack}`.includes('47114711'))
})

t.test('one algorithm does not verify what another signed with the same key', async (t) => {
  const { kit: rs } = makeKit(ring('RS256', privateKeys.RS256))
  const { kit: ps } = makeKit(ring('PS256', privateKeys.RS256))
  await t.rejects(ps.access.verify(rs.access.sign(CLAIMS)), { code: 'JWT_KIT_ALGORITHM' })
  await t.rejects(rs.access.verify(ps.access.sign(CLAIMS)), { code: 'JWT_KIT_ALGORITHM' })
  const lying = forge(ps.access, CLAIMS, { header: { alg: 'RS256' } })
  await t.rejects(rs.access.verify(lying), { code: 'JWT_KIT_SIGNATURE' })
  t.match(await rs.access.verify(rs.access.sign(CLAIMS)), CLAIMS)
})

t.test('a secret whose JWK says that it only verifies does not sign', async (t) => {
  const key = { kty: 'oct', k: Buffer.from(SECRET).toString('base64url') }
  const reader = makeKit(ring('HS256', { ...key, key_ops: ['verify'] })).kit
  const signer = makeKit(ring('HS256', key)).kit
  t.match(await reader.access.verify(signer.access.sign(CLAIMS)), CLAIMS)
  t.throws(() => reader.access.sign(CLAIMS), { code: 'JWT_KIT_NO_SIGNING_KEY' })
  t.throws(() => ring('HS256', { ...key, key_ops: ['sign'] }), { code: 'JWT_KIT_KEY' }, 'it could not verify')
})

t.test('refuses a JWK whose numbers have another length than RFC 7518 §6 gives them', async (t) => {
  const padded = (text: unknown) =>
    Buffer.concat([Buffer.alloc(1), Buffer.from(String(text), 'base64url')]).toString('base64url')
  for (const [algorithm, names] of [
    ['ES256', ['x', 'y', 'd']],
    ['RS256', ['n', 'e', 'd', 'p']],
    ['EdDSA', ['x']],
  ] as const) {
    const key = jwk(privateKeys[algorithm]) as Record<string, unknown>
    for (const name of names) {
      t.throws(
        () => ring(algorithm, { ...key, [name]: padded(key[name]) } as JsonWebKey),
        { code: 'JWT_KIT_KEY' },
        name,
      )
    }
  }
})

t.test('refuses a PEM whose private half has another public half written beside it', async (t) => {
  const one = jwk(privateKeys.ES256)
  const other = jwk(generate('ES256'))
  const mixed = createPrivateKey({ key: { ...other, d: one.d as string }, format: 'jwk' })
  t.throws(() => ring('ES256', pem(mixed)), { code: 'JWT_KIT_KEY' })
  t.throws(() => ring('ES256', mixed), { code: 'JWT_KIT_KEY' })
})
