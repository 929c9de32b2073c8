import {
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import { createSigner, createVerifier } from 'fast-jwt'
import t from 'tap'
import { ALGORITHM_SPECS } from '../src/algorithms.ts'
import { ALGORITHMS, type Algorithm, type Jwks, type KeyInput, keyring, thumbprint } from '../src/index.ts'
import { forge } from '../src/testing.ts'
import {
  type Asymmetric,
  CLAIMS,
  errorOf,
  isAsymmetric,
  LONG_SECRET,
  makeKit,
  privateKeys,
  SECRET,
} from './support.ts'

const ASYMMETRIC = ALGORITHMS.filter(isAsymmetric)

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
    const family = (name: string) => (name.startsWith('Ed') ? 'Ed' : name.startsWith('E') ? name : 'RSA')
    for (const other of ASYMMETRIC.filter((name) => family(name) !== family(algorithm))) {
      for (const key of [privateKeys[other], pem(privateKeys[other]), jwk(privateKeys[other])]) {
        t.throws(() => ring(algorithm, key), { code: 'JWT_KIT_KEY' }, other)
      }
    }
    t.throws(() => ring(algorithm, createSecretKey(Buffer.from(SECRET))), {
      code: 'JWT_KIT_KEY',
      message: new RegExp(`which ${algorithm} needs`),
    })
    t.throws(() => ring('HS256', privateKey), { code: 'JWT_KIT_KEY', message: /a secret, which HS256 needs/ })
    t.throws(() => ring('HS256', jwk(publicKey)), { code: 'JWT_KIT_KEY', message: /another `kty`/ })
  })
}

function generate(algorithm: Asymmetric): KeyObject {
  const rsa = algorithm.startsWith('R') || algorithm.startsWith('P')
  if (rsa) return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  return ALGORITHM_SPECS[algorithm].generate()
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
  // Node 26 makes no such key itself, so the private half is replaced in the bytes.
  const [one, other] = [privateKeys.ES256, generate('ES256')]
  const der = other.export({ type: 'pkcs8', format: 'der' })
  const [from, to] = [other, one].map((key) => Buffer.from(String(jwk(key).d), 'base64url'))
  to?.copy(der, der.indexOf(from as Buffer))
  const mixed = `-----BEGIN PRIVATE KEY-----\n${der.toString('base64')}\n-----END PRIVATE KEY-----`
  t.throws(() => ring('ES256', mixed), { code: 'JWT_KIT_KEY' })
  t.throws(() => ring('ES256', { ...jwk(other), d: jwk(one).d }), { code: 'JWT_KIT_KEY' })
})

const cause = (algorithm: Algorithm, entry: object) => errorOf(() => keyring(algorithm, [entry as never]))

t.test('a key that cannot be used is refused with its cause, and with a hint that fits', async (t) => {
  const privateKey = privateKeys.RS256
  const text = pem(privateKey)
  const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'correct' } as const
  const encrypted = privateKey.export(options)
  const legacy = privateKey.export({ ...options, type: 'pkcs1' })
  const certificate = text.replaceAll('PRIVATE KEY', 'CERTIFICATE')
  const cryptoKey = await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, true, ['sign'])
  const ec = privateKeys.ES256.export({ type: 'sec1', format: 'pem' })
  for (const [algorithm, entry, message, hint] of [
    ['RS256', { key: undefined }, /is undefined/, /environment variable/],
    ['HS256', { key: undefined }, /is undefined/, /environment variable/],
    ['RS256', { key: '' }, /empty text/, /environment variable/],
    ['RS256', { key: cryptoKey }, /CryptoKey/, /KeyObject\.from/],
    ['HS256', { key: cryptoKey }, /CryptoKey/, /KeyObject\.from/],
    ['RS256', { key: { key: text, passphrase: 'x' } }, /member `key`/, /into the entry/],
    ['RS256', { key: Promise.resolve(text) }, /without a `kty`/, /Await it/],
    ['RS256', { key: { keys: [jwk(privateKey)] } }, /without a `kty`/, /a set/],
    ['HS256', { key: { privateKey, publicKey: createPublicKey(privateKey) } }, /without a `kty`/, /a pair/],
    ['RS256', { key: text.replaceAll('\n', '\\n') }, /written out/, /replaceAll/],
    ['RS256', { key: `"${text}"` }, /in quotes/, /quotes/],
    ['RS256', { key: encrypted }, /encrypted PEM block$/, /passphrase/],
    ['RS256', { key: legacy }, /encrypted PEM block$/, /passphrase/],
    ['RS256', { key: encrypted, passphrase: 'wrong' }, /this passphrase does not open/, /Check/],
    ['RS256', { key: text, passphrase: 'correct' }, /not encrypted/, /Leave/],
    ['RS256', { key: certificate }, /is a certificate/, /X509Certificate/],
    [
      'ES256',
      { key: `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${ec}` },
      /EC PARAMETERS/,
      /EC PRIVATE KEY/,
    ],
    ['RS256', { key: text.replaceAll('PRIVATE KEY', 'OPENSSH PRIVATE KEY') }, /OpenSSH/, /ssh-keygen/],
    [
      'RS256',
      { key: `${text}${pem(createPublicKey(privateKey))}` },
      /more than one PEM block/,
      /public half/,
    ],
    ['RS256', { key: `junk\n${text}` }, /text before/, /BEGIN to END/],
    ['RS256', { key: JSON.stringify(jwk(privateKey)) }, /text of a JWK/, /JSON\.parse/],
    ['RS256', { key: text.slice(0, -40) }, /damaged/, /completely/],
    ['RS256', { key: createPublicKey(privateKeys.ES256) }, /is not a sound RSA key/, /Check which key/],
    ['RS256', { key: { ...jwk(createPublicKey(privateKey)), use: 'enc' } }, /`use`/, /signatures/],
  ] as const) {
    const error = await cause(algorithm, { kid: 'a', ...entry })
    t.match(error, { code: 'JWT_KIT_KEY', message, hint })
    t.notOk(
      `${error.stack}${JSON.stringify(error)}`.includes(text.split('\n')[1] as string),
      'and does not print it',
    )
  }
})

t.test('an encrypted PEM is read with its passphrase', async (t) => {
  for (const algorithm of ['ES256', 'Ed25519', 'RS256'] as const) {
    const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'correct' } as const
    const key = privateKeys[algorithm].export(options) as string
    const { kit } = makeKit(keyring(algorithm, [{ kid: 'a', key, passphrase: 'correct' }]))
    t.match(await kit.access.verify(kit.access.sign(CLAIMS)), CLAIMS)
  }
})

t.test('a JWKS is a ring, and its keys for other purposes are passed over', async (t) => {
  const half = jwk(createPublicKey(privateKeys.RS256))
  const jwks = {
    keys: [
      { ...half, kid: 'enc', use: 'enc', alg: 'RSA-OAEP' },
      { ...half, kid: 'other', use: 'sig', alg: 'RS512' },
      { ...jwk(createPublicKey(privateKeys.ES256)), kid: 'ec', use: 'sig' },
      { ...half, kid: 'wrapping', key_ops: ['wrapKey'] },
      { ...half, kid: 'g0od+/=', use: 'sig', alg: 'RS256', x5t: 'AAAA' },
      half,
    ],
  } as Jwks
  const keys = keyring('RS256', jwks)
  t.equal(`${keys}`, `[Keyring RS256 g0od+/= ${thumbprint(half)}]`)
  const { kit } = makeKit(keyring('RS256', [{ kid: 'g0od+/=', key: privateKeys.RS256 }]))
  t.match(await makeKit(keys).kit.access.verify(kit.access.sign(CLAIMS)), CLAIMS)
  for (const wrong of [{ keys: [] }, { keys: jwks.keys.slice(0, 4) }, { keys: 'x' }, {}])
    t.throws(() => keyring('RS256', wrong as never), { code: 'JWT_KIT_OPTIONS' })
  const error = await errorOf(() => keyring('RS256', jwks.keys as never))
  t.match(error, { code: 'JWT_KIT_OPTIONS', message: /got a JWK/, hint: /keyring\('RS256', jwks\)/ })
  const weak = jwk(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)
  t.throws(() => keyring('RS256', { keys: [{ ...weak, kid: 'weak' }] }), { code: 'JWT_KIT_KEY' })
})

t.test(
  'the thumbprint of RFC 7638 §3.1 is computed, also from a private key, and of no secret',
  async (t) => {
    const n =
      '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W' +
      '-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNL' +
      'yrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw'
    const key = { kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: '2011-04-29' }
    t.equal(thumbprint(key), 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
    for (const algorithm of ['ES256', 'Ed25519', 'RS256'] as const) {
      const [whole, half] = [jwk(privateKeys[algorithm]), jwk(createPublicKey(privateKeys[algorithm]))]
      t.equal(thumbprint(whole), thumbprint(half))
    }
    for (const wrong of [{ kty: 'oct', k: SECRET }, { kty: 'constructor' }, { kty: 'RSA', n }, {}, null])
      t.throws(() => thumbprint(wrong as never), { code: 'JWT_KIT_KEY' })
  },
)

t.test('Ed25519 and EdDSA are two names of one algorithm, and each ring accepts both', async (t) => {
  const key = privateKeys.Ed25519
  const [now, before] = [makeKit(ring('Ed25519', key)).kit, makeKit(ring('EdDSA', key)).kit]
  const alg = (token: string) =>
    JSON.parse(Buffer.from(token.split('.')[0] as string, 'base64url').toString()).alg
  t.same([alg(now.access.sign(CLAIMS)), alg(before.access.sign(CLAIMS))], ['Ed25519', 'EdDSA'])
  t.match(await now.access.verify(before.access.sign(CLAIMS)), CLAIMS)
  t.match(await before.access.verify(now.access.sign(CLAIMS)), CLAIMS)
  t.same([now.jwks().keys[0]?.alg, before.jwks().keys[0]?.alg], ['Ed25519', 'EdDSA'])
  for (const alg of ['Ed25519', 'EdDSA']) t.ok(ring('Ed25519', { ...jwk(key), alg }))
  for (const alg of ['Ed448', 'eddsa', 'ES256'])
    await t.rejects(now.access.verify(forge(now.access, CLAIMS, { header: { alg } })), {
      code: 'JWT_KIT_ALGORITHM',
    })
})

t.test('no ring accepts a token that names or was made with another algorithm', async (t) => {
  const keyFor = (algorithm: Algorithm) => (isAsymmetric(algorithm) ? privateKeys[algorithm] : LONG_SECRET)
  const kits = ALGORITHMS.map((algorithm) => makeKit(ring(algorithm, keyFor(algorithm))).kit)
  for (const [at, kit] of kits.entries()) {
    for (const [from, other] of kits.entries()) {
      const [algorithm, signed] = [ALGORITHMS[at] as Algorithm, ALGORITHMS[from] as Algorithm]
      if (algorithm === signed) continue
      const honest = await errorOf(() => kit.access.verify(other.access.sign(CLAIMS)))
      const isAlias = algorithm.startsWith('Ed') && signed.startsWith('Ed')
      t.equal(honest.code, isAlias ? 'JWT_KIT_SIGNATURE' : 'JWT_KIT_ALGORITHM', `${signed} on ${algorithm}`)
      const lying = forge(other.access, CLAIMS, { header: { alg: algorithm } })
      await t.rejects(kit.access.verify(lying), { code: 'JWT_KIT_SIGNATURE' }, `${signed} as ${algorithm}`)
    }
  }
})

t.test('a secret is as long as the hash of its algorithm', async (t) => {
  for (const [algorithm, bytes] of [
    ['HS256', 32],
    ['HS384', 48],
    ['HS512', 64],
  ] as const) {
    t.ok(ring(algorithm, randomBytes(bytes)))
    t.throws(() => ring(algorithm, randomBytes(bytes - 1)), {
      code: 'JWT_KIT_KEY',
      message: new RegExp(`shorter than ${bytes} bytes`),
    })
  }
})
