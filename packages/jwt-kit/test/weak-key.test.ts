import { createSecretKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
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

t.test('a random secret is accepted, as text or as bytes', async (t) => {
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

t.test('a secret of fewer than 32 bytes is rejected, which fast-jwt accepts', async (t) => {
  t.ok(createSigner({ key: 'x', algorithm: 'HS256' })({ sub: '7' }), 'fast-jwt signs with one character')
  await refuses(t, '§', /shorter than 32 bytes/)
  await refuses(t, SECRET.slice(1), /shorter than 32 bytes/)
  await refuses(t, randomBytes(31), /shorter than 32 bytes/)
  t.ok(ring('é'.repeat(3) + SECRET.slice(6)), '32 bytes of 29 characters are enough')
})

t.test(
  'a well-known example is rejected, also in other case, in quotes or with white space around it',
  async (t) => {
    const fastapi = '09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7'
    for (const key of [
      fastapi,
      fastapi.toUpperCase(),
      ` ${fastapi}`,
      `${fastapi}\n`,
      `"${fastapi}"\r\n`,
      `\t'${fastapi}'`,
    ])
      await refuses(t, key, /well-known example/)
    const rfc7515 = 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow'
    await refuses(t, Buffer.from(rfc7515, 'base64url'), /well-known example/)
    t.ok(ring('09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e8'), 'but not its neighbor')
  },
)

t.test('every secret that this project has documented is rejected', async (t) => {
  for (const key of [
    'q9F3-vT7x_Lm2RkZ8sWd5YbN0cHj6GpA',
    'Zt4-wKq8_Xn1PfUj7oEi3DrB6yVm9HsC',
    'made by: npx jwt-kit keygen --alg HS256',
    'made by: npx @auth-primer/jwt-kit keygen --alg HS256',
  ])
    await refuses(t, key, /well-known example/)
  const root = new URL('..', import.meta.url)
  const texts = ['README.md', ...readdirSync(new URL('src', root)).map((name) => `src/${name}`)]
    .filter((name) => /\.(md|ts)$/.test(name))
    .map((name) => readFileSync(new URL(name, root), 'utf8'))
  const quoted = texts.join().matchAll(/(?:key|secret) *(?:[:=]|\?\?=) *(['"`])([^'"`\n]{32,})\1/gi)
  for (const [, , key = ''] of quoted) await refuses(t, key, /./)
})

t.test('a placeholder is rejected, whatever separates its words', async (t) => {
  for (const key of [
    'your-secret-key-change-this-in-production',
    'this_is_a_secret_key_for_jwt_authentication',
    'DO NOT USE THIS VALUE. INSTEAD, CREATE A COMPLEX SECRET AND KEEP IT SAFE OUTSIDE OF THE SOURCE CODE.',
    'changeMe! changeMe! please, changeMe 123',
    'MySuperSecretJwtSigningKeyForDevelopment2024',
    'a-string-secret-at-least-256-bits-long',
    'your-256-bit-secret-your-256-bit-secret',
    'please-change-this-secret-in-production',
    'REPLACE_ME_WITH_A_RANDOM_STRING_OF_32_BYTES',
    'averyveryveryveryveryverylongsecret',
    'change-this-secret-before-going-to-production!!',
    'passwordpasswordpasswordpassword1',
    'do not forget to rotate this secret before you deploy it',
    'hello-world-this-is-my-private-signing-key',
  ])
    await refuses(t, key, /placeholder/)
  t.ok(ring('the secret of a passphrase: correct horse battery staple'), 'other words are accepted')
})

t.test('a walk over the keyboard or the alphabet is rejected', async (t) => {
  for (const key of [
    '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,',
    '!QAZ@WSX#EDC$RFV%TGB^YHN&UJM*IK<',
    'qwertyuiopasdfghjklzxcvbnm123456',
    'abcdefghijklmnopqrstuvwxyz0123456789',
    '0123456789abcdef0123456789ABCDEF-',
    'zyxwvutsrqponmlkjihgfedcba9876543210',
  ])
    await refuses(t, key, /keyboard or the alphabet/)
})

t.test('a secret of few distinct characters is rejected', async (t) => {
  await refuses(t, `${'a'.repeat(31)}b`, /distinct/)
  await refuses(t, '1101001001111010001011010010110100101110', /distinct/)
})

t.test('random secrets of every usual spelling are accepted, a thousand of each', async () => {
  const spellings: ((bytes: Buffer) => string | Buffer)[] = [
    (bytes) => bytes,
    (bytes) => bytes.toString('hex'),
    (bytes) => bytes.toString('base64'),
    (bytes) => bytes.toString('base64url'),
    (bytes) => bytes.subarray(0, 16).toString('hex'),
    (bytes) => Array.from(bytes, (byte) => 'abcdefghijklmnopqrstuvwxyz'[byte % 26]).join(''),
    (bytes) => Array.from(bytes, (byte) => byte % 10).join(''),
  ]
  for (const spell of spellings) for (let count = 0; count < 1_000; count++) ring(spell(randomBytes(32)))
})

t.test('a repeated pattern is rejected', async (t) => {
  for (const key of [
    'x'.repeat(64),
    'sesame'.repeat(6),
    'opensesame'.repeat(4),
    'opensesame-'.repeat(4),
    SECRET.slice(0, 16).repeat(2),
    Buffer.alloc(32),
  ]) {
    await refuses(t, key, /pattern over and over/)
  }
})

t.test(
  'a public key is rejected in every encoding, which fast-jwt accepts as a secret without its header',
  async (t) => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const der = publicKey.export({ type: 'spki', format: 'der' })
    const pem = publicKey.export({ type: 'spki', format: 'pem' }) as string
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
      'base64 of the PEM': Buffer.from(pem).toString('base64'),
      'base64 of that': Buffer.from(Buffer.from(pem).toString('base64')).toString('base64'),
      'hex of the PEM': Buffer.from(pem).toString('hex'),
      'a data URL': `data:application/x-pem-file;base64,${Buffer.from(pem).toString('base64')}`,
      'a data URL without base64': `data:,${encodeURIComponent(pem)}`,
      'percent-encoded PEM': encodeURIComponent(pem),
      'PEM in lower case': pem.toLowerCase(),
      'PEM in UTF-16': Buffer.from(pem, 'utf16le'),
      'openssl’s modulus': `Modulus=${Buffer.from(publicKey.export({ format: 'jwk' }).n as string, 'base64url').toString('hex')}`,
      'base64 of its JWK': Buffer.from(JSON.stringify(publicKey.export({ format: 'jwk' }))).toString(
        'base64',
      ),
      'the body of an OpenSSH key': Buffer.from(`\0\0\0\x0bssh-ed25519\0\0\0 ${SECRET}`).toString('base64'),
      OpenSSH: `ssh-ed25519 ${der.toString('base64').slice(0, 60)} me@example`,
    }
    for (const [name, key] of Object.entries(spellings)) {
      t.comment(name)
      await refuses(t, key, /a key of another kind/)
    }
    await refuses(t, CERTIFICATE, /a key of another kind/)
  },
)

t.test('a random secret of the size of an RSA modulus is accepted, 250 of each', async () => {
  const spellings = [
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes.toString('hex'),
    (bytes: Buffer) => bytes.toString('base64'),
    (bytes: Buffer) => bytes.toString('base64url'),
  ]
  for (const size of [128, 256, 384, 512])
    for (const spell of spellings) for (let count = 0; count < 250; count++) ring(spell(randomBytes(size)))
})

t.test('a random secret is not mistaken for a key', async (t) => {
  t.ok(ring(`{${SECRET}`), 'a brace is no JSON')
  t.ok(ring(Buffer.concat([Buffer.from([0x30]), randomBytes(40)])), 'the first byte of DER is no DER')
  t.ok(ring(`${SECRET} with spaces, and a comma`))
})
