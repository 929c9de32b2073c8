import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { createSigner } from 'fast-jwt'
import t, { type Test } from 'tap'
import { keyring } from '../src/index.ts'
import { errorOf, SECRET } from './support.ts'

/** A self-signed certificate, as base64 of its DER. */
const CERTIFICATE =
  'MIIBLjCB4aADAgECAhRGLtHmI1Y2q6AG4jTGBIVRUgjp5jAFBgMrZXAwDDEKMAgGA1UEAwwBdDAgFw0yNjExMjIxNTU2MjJa' +
  'GA8yMTI2MTAyOTE1NTYyMlowDDEKMAgGA1UEAwwBdDAqMAUGAytlcAMhAJ51Le59LnTxidhx56j+rHtFpBy51uzltI3kQUsf' +
  'xxZZo1MwUTAdBgNVHQ4EFgQUMs3HtOx/G3Fhq0tVmzKLpkbEbBQwHwYDVR0jBBgwFoAUMs3HtOx/G3Fhq0tVmzKLpkbEbBQw' +
  'DwYDVR0TAQH/BAUwAwEB/zAFBgMrZXADQQBFK27N+2vdLMffRU7cfNmUvfvfj+kmkxj27Dy3JigPtVNvhWyPxtcRbbJd1Lce' +
  'sEgUpaTuF4T24mEH/Sse904M'

const ring = (key: string | Buffer) => keyring('HS256', [{ kid: 'a', key }])

async function refuses(t: Test, key: string | Buffer, why: RegExp): Promise<void> {
  const error = await errorOf(() => ring(key))
  t.match(error, { code: 'JWT_KIT_KEY', statusCode: 500, message: why })
  const printed = inspect(error, { showHidden: true, depth: null }) + JSON.stringify(error) + error.stack
  t.notOk(printed.includes(String(key)), 'and does not print it')
}

t.test('takes a random secret, as text or as bytes', async (t) => {
  for (const key of [
    SECRET,
    randomBytes(32),
    randomBytes(32).toString('hex'),
    randomBytes(64).toString('base64'),
  ]) {
    t.ok(ring(key))
  }
  t.ok(keyring('HS256', [{ kid: 'a', key: createSecretKey(randomBytes(32)) }]))
  t.ok(keyring('HS256', [{ kid: 'a', key: { kty: 'oct', k: randomBytes(32).toString('base64url') } }]))
})

t.test('refuses a secret of fewer than 32 bytes, which fast-jwt takes', async (t) => {
  t.ok(createSigner({ key: 'x', algorithm: 'HS256' })({ sub: '7' }), 'fast-jwt signs with one character')
  await refuses(t, 'x', /shorter than 32 bytes/)
  await refuses(t, SECRET.slice(1), /shorter than 32 bytes/)
  await refuses(t, randomBytes(31), /shorter than 32 bytes/)
  t.ok(ring('é'.repeat(3) + SECRET.slice(6)), '32 bytes of 29 characters are enough')
})

t.test('refuses a well-known example', async (t) => {
  await refuses(t, '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7', /well-known example/)
  await refuses(t, 'a-string-secret-at-least-256-bits-long', /well-known example/)
  const rfc7515 = 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow'
  await refuses(t, Buffer.from(rfc7515, 'base64url'), /well-known example/)
  t.ok(ring('09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e8'), 'but not its neighbour')
})

t.test('refuses one pattern over and over', async (t) => {
  for (const key of [
    'x'.repeat(64),
    'secret'.repeat(6),
    'changeme'.repeat(4),
    'changeme-'.repeat(4),
    SECRET.slice(0, 16).repeat(2),
    Buffer.alloc(32),
  ]) {
    await refuses(t, key, /pattern over and over/)
  }
})

t.test(
  'refuses a public key in every spelling, which fast-jwt takes for a secret without its header',
  async (t) => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const der = publicKey.export({ type: 'spki', format: 'der' })
    t.ok(
      createSigner({ key: der.toString('base64'), algorithm: 'HS256' })({ sub: '7' }),
      'fast-jwt signs with it',
    )
    const spellings: Record<string, string | Buffer> = {
      PEM: publicKey.export({ type: 'spki', format: 'pem' }) as string,
      'PEM after a comment': `# key\n${publicKey.export({ type: 'spki', format: 'pem' })}`,
      'base64 without its header': der.toString('base64'),
      'base64 in lines': der.toString('base64').replace(/.{64}/g, '$&\n'),
      base64url: der.toString('base64url'),
      hex: der.toString('hex'),
      DER: der,
      'PKCS#1': publicKey.export({ type: 'pkcs1', format: 'der' }).toString('base64'),
      'private PKCS#8': privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
      'private PKCS#1': privateKey.export({ type: 'pkcs1', format: 'der' }),
      'private SEC1': generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
        type: 'sec1',
        format: 'der',
      }),
      Ed25519: generateKeyPairSync('ed25519')
        .publicKey.export({ type: 'spki', format: 'der' })
        .toString('base64'),
      JWK: JSON.stringify(publicKey.export({ format: 'jwk' })),
      'a set of JWKs': JSON.stringify([publicKey.export({ format: 'jwk' })]),
      OpenSSH: `ssh-ed25519 ${der.toString('base64').slice(0, 60)} me@example`,
    }
    for (const [name, key] of Object.entries(spellings)) {
      t.comment(name)
      await refuses(t, key, /a key of another kind/)
    }
    await refuses(t, CERTIFICATE, /a key of another kind/)
  },
)

t.test('does not take a random secret for a key', async (t) => {
  t.ok(ring(`{${SECRET}`), 'a brace is no JSON')
  t.ok(ring(Buffer.concat([Buffer.from([0x30]), randomBytes(40)])), 'the first byte of DER is no DER')
  t.ok(ring(`${SECRET} with spaces, and a comma`))
})
