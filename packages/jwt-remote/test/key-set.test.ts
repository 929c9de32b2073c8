import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { jwtRemote } from '../src/index.ts'
import { errorOf, makeKey, optionsFor, type SigningKey, setOf, sign } from './support.ts'

t.test('several keys of several algorithms in one set each verify their own tokens', async (t) => {
  const keys = [makeKey('rsa'), makeKey('ec', 'ES256'), makeKey('ec5', 'ES512'), makeKey('ed', 'EdDSA')]
  const algorithms = ['RS256', 'ES256', 'ES512', 'EdDSA'] as const
  const remote = jwtRemote({ ...optionsFor({ jwks: setOf(...keys) }), algorithms })
  for (const key of keys) t.ok(await remote.verify(await sign(key)), key.alg)
  const [rsa] = keys as [SigningKey]
  for (const kid of ['ec', 'ed'])
    await t.rejects(remote.verify(await sign(rsa, {}, { kid })), { code: 'JWT_KIT_ALGORITHM' }, kid)
  t.ok(await remote.verify(await sign(rsa, {}, { kid: undefined })), 'only one key is for RS256')
})

t.test('keys that cannot verify are passed over', async (t) => {
  const good = makeKey('good')
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const weakJwk = { ...privateKey.export({ format: 'jwk' }), kid: 'weak' }
  const keys = [
    makeKey('enc', 'RS256', { use: 'enc' }).jwk,
    makeKey('oaep', 'RS256', { alg: 'RSA-OAEP', use: undefined }).jwk,
    makeKey('ops', 'RS256', { use: undefined, key_ops: ['encrypt'] }).jwk,
    makeKey('number', 'RS256', { kid: 7 }).jwk,
    weakJwk,
    { kty: 'RSA', kid: 'broken', n: '!', e: 'AQAB' },
    { kty: 'EC', crv: 'P-256', kid: 'off the curve', x: 'AQ', y: 'AQ' },
    { kty: 'AKP', kid: 'of the future', alg: 'ML-DSA-44', pub: 'x' },
    { kty: 'EC', crv: 'secp256k1', kid: 'koblitz', x: 'AQ', y: 'AQ' },
    null,
    'text',
    [],
    good.jwk,
  ]
  const remote = jwtRemote(optionsFor({ jwks: { keys: keys as object[] } }))
  t.ok(await remote.verify(await sign(good)))
  t.ok(await remote.verify(await sign(good, {}, { kid: undefined })), 'one key is left, so no kid is needed')
  for (const kid of ['enc', 'oaep', 'ops', 'broken', 'weak'])
    await t.rejects(remote.verify(await sign(good, {}, { kid })), { code: 'JWT_KIT_UNKNOWN_KEY' }, kid)
})

t.test('a key id with any characters finds its key', async (t) => {
  for (const kid of ['abc+/def=', 'ünï', ' ', '__proto__', 'a'.repeat(500)]) {
    const key = makeKey(kid)
    t.ok(await jwtRemote(optionsFor({ jwks: setOf(makeKey('x'), key) })).verify(await sign(key)), kid)
  }
})

t.test('a token without a kid is tried on one key only', async (t) => {
  const [one, other] = [makeKey('one'), makeKey('other')]
  const token = await sign(other, {}, { kid: undefined })
  t.ok(await jwtRemote(optionsFor({ jwks: setOf(other) })).verify(token))
  const error = await errorOf(() => jwtRemote(optionsFor({ jwks: setOf(one, other) })).verify(token))
  t.match(error, { code: 'JWT_KIT_UNKNOWN_KEY', message: /names no key/ })
})

t.test('two keys of one id: the algorithm chooses, and if it cannot, both are tried', async (t) => {
  const [rsa, ec, second] = [makeKey('k'), makeKey('k', 'ES256'), makeKey('k')]
  const options = optionsFor({ jwks: setOf(rsa, ec, second) })
  const remote = jwtRemote({ ...options, algorithms: ['RS256', 'ES256'] })
  for (const key of [rsa, ec, second]) t.ok(await remote.verify(await sign(key)))
  await t.rejects(remote.verify(await sign(makeKey('k'))), { code: 'JWT_KIT_SIGNATURE' })
})

t.test('Ed25519 is the same as EdDSA on this curve, if both are allowed', async (t) => {
  const key = makeKey('k', 'EdDSA')
  const options = optionsFor({ jwks: setOf(key) })
  const token = await sign({ ...key, alg: 'Ed25519' })
  t.ok(await jwtRemote({ ...options, algorithms: ['EdDSA', 'Ed25519'] }).verify(token))
  await t.rejects(jwtRemote({ ...options, algorithms: ['EdDSA'] }).verify(token), {
    code: 'JWT_KIT_ALGORITHM',
  })
})

t.test('a set without a key that can verify is refused at start', async (t) => {
  const enc = makeKey('enc', 'RS256', { use: 'enc' })
  for (const keys of [[], [enc.jwk], [makeKey('ec', 'ES256').jwk]])
    t.throws(() => jwtRemote(optionsFor({ jwks: { keys } })), { code: 'JWT_KIT_KEY', statusCode: 500 })
})
