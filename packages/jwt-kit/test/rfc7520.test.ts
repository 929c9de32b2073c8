// The signatures of RFC 7515 A.4 and of RFC 7520 §4.1 to §4.4, and wrong relatives of each. A.1 to A.3 of RFC 7515 and RFC 8037
// are in known-answers.test.ts.
import t from 'tap'
import { ALGORITHM_SPECS, type Algorithm } from '../src/algorithms.ts'
import { isBase64url } from '../src/encoding.ts'
import { keyring } from '../src/index.ts'
import { readRingKeys } from '../src/keyring.ts'
import { makeKit } from './support.ts'

const BILBO = 'bilbo.baggins@hobbiton.example'
const RSA = {
  kty: 'RSA',
  kid: BILBO,
  use: 'sig',
  n: 'n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw',
  e: 'AQAB',
}
const P521 = {
  kty: 'EC',
  kid: BILBO,
  use: 'sig',
  crv: 'P-521',
  x: 'AHKZLLOsCOzz5cY97ewNUajB957y-C-U88c3v13nmGZx6sYl_oJXu9A5RkTKqjqvjyekWF-7ytDyRXYgCF5cj0Kt',
  y: 'AdymlHvOiLxXkEhayXQnNCvDX4h9htZaCJN34kfmC6pV5OhQHiraVySsUdaQkAgDPrwQrJmbnX9cwlGfP-HqHZR1',
}
const SECRET = {
  kty: 'oct',
  kid: '018c0ae5-4d9b-471b-bfd6-eef314bc7037',
  use: 'sig',
  alg: 'HS256',
  k: 'hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg',
}
const A4 = {
  kty: 'EC',
  kid: 'A.4',
  crv: 'P-521',
  x: 'AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk',
  y: 'ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2',
}
const PAYLOAD =
  'SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4'

interface Example {
  readonly name: string
  readonly algorithm: Algorithm
  readonly key: { readonly kid: string; readonly [member: string]: string }
  readonly input: string
  readonly signature: string
}

const EXAMPLES: readonly Example[] = [
  {
    name: 'RFC 7520 §4.1',
    algorithm: 'RS256',
    key: RSA,
    input: `eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.${PAYLOAD}`,
    signature:
      'MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg',
  },
  {
    name: 'RFC 7520 §4.2',
    algorithm: 'PS384',
    key: RSA,
    input: `eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.${PAYLOAD}`,
    signature:
      'cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dDDItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ijQ7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAjVKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw',
  },
  {
    name: 'RFC 7520 §4.3',
    algorithm: 'ES512',
    key: P521,
    input: `eyJhbGciOiJFUzUxMiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.${PAYLOAD}`,
    signature:
      'AE_R_YZCChjn4791jSQCrdPZCNYqHXCTZH0-JZGYNlaAjP2kqaluUIIUnC9qvbu9Plon7KRTzoNEuT4Va2cmL1eJAQy3mtPBu_u_sDDyYjnAMDxXPn7XrT0lw-kvAD890jl8e2puQens_IEKBpHABlsbEPX6sFY8OcGDqoRuBomu9xQ2',
  },
  {
    name: 'RFC 7520 §4.4',
    algorithm: 'HS256',
    key: SECRET,
    input: `eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9.${PAYLOAD}`,
    signature: 's0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0',
  },
  {
    name: 'RFC 7515 A.4',
    algorithm: 'ES512',
    key: A4,
    input: 'eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA',
    signature:
      'AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpRwcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn',
  },
]

function readVerifier(algorithm: Algorithm, key: Example['key']) {
  const [ringKey] = readRingKeys(keyring(algorithm, { keys: [key] })).values()
  return ALGORITHM_SPECS[algorithm].createVerifier(ringKey?.verificationKey as never)
}

/** Returns signatures that each differ from a right one in the way that their name says. */
function spoil(signature: string): Readonly<Record<string, Buffer>> {
  const right = Buffer.from(signature, 'base64url')
  const half = right.length / 2
  const flip = (at: number) => Buffer.from(right.map((byte, index) => (index === at ? byte ^ 1 : byte)))
  return {
    empty: Buffer.alloc(0),
    'all zeros': Buffer.alloc(right.length),
    'all ones': Buffer.alloc(right.length, 0xff),
    'its first bit flipped': flip(0),
    'its last bit flipped': flip(right.length - 1),
    'one byte too short': right.subarray(0, -1),
    'one byte too long': Buffer.concat([right, Buffer.alloc(1)]),
    'a zero in front': Buffer.concat([Buffer.alloc(1), right]),
    'the first half zeros': Buffer.concat([Buffer.alloc(half), right.subarray(half)]),
    'the second half zeros': Buffer.concat([right.subarray(0, half), Buffer.alloc(half)]),
    'its halves swapped': Buffer.concat([right.subarray(half), right.subarray(0, half)]),
    'the text instead of its bytes': Buffer.from(signature),
  }
}

/** Encodes a signature of ECDSA as DER, as X.509 does and JWS must not. */
function toDer(signature: string): Buffer {
  const bytes = Buffer.from(signature, 'base64url')
  const integers = [bytes.subarray(0, bytes.length / 2), bytes.subarray(bytes.length / 2)].map((number) => {
    const first = number.findIndex((byte) => byte !== 0)
    const minimal = number.subarray(first)
    const value = (minimal[0] as number) >= 0x80 ? Buffer.concat([Buffer.alloc(1), minimal]) : minimal
    return Buffer.concat([Buffer.from([2, value.length]), value])
  })
  const body = Buffer.concat(integers)
  return Buffer.concat([
    Buffer.from(body.length < 128 ? [0x30, body.length] : [0x30, 0x81, body.length]),
    body,
  ])
}

for (const { name, algorithm, key, input, signature } of EXAMPLES) {
  t.test(`${name}: the signature of ${algorithm} verifies, and no wrong relative of it does`, async (t) => {
    const verify = readVerifier(algorithm, key)
    t.ok(verify(input, signature))
    const wrong = Object.entries(spoil(signature))
    if (key.kty === 'EC') wrong.push(['in DER', toDer(signature)])
    for (const [what, bytes] of wrong) t.notOk(verify(input, bytes.toString('base64url')), what)
    t.notOk(verify(`${input}A`, signature), 'for another payload')
    t.notOk(verify(input.replace('.', 'A.'), signature), 'for another header')
    t.notOk(verify(input.slice(0, -1), signature), 'for a shorter payload')
  })

  t.test(`${name}: the other algorithms of the family do not verify it`, async (t) => {
    const others = ['HS384', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const
    for (const other of others.filter((candidate) => candidate !== algorithm)) {
      if (ALGORITHM_SPECS[other].kty !== key.kty || other.startsWith('HS')) continue
      t.notOk(readVerifier(other, key)(input, signature), other)
    }
    t.throws(() => keyring(algorithm === 'HS256' ? 'ES512' : 'HS256', { keys: [key] }), {
      code: 'JWT_KIT_OPTIONS',
    })
  })

  t.test(`${name}: a kit with this key refuses the token, whose header has no kind`, async (t) => {
    const { kit } = makeKit(keyring(algorithm, { keys: [key] }))
    await t.rejects(kit.access.verify(`${input}.${signature}`), { code: 'JWT_KIT_WRONG_KIND' })
  })
}

const WRONG_KEYS: Readonly<Record<string, readonly [Algorithm, Readonly<Record<string, unknown>>]>> = {
  'another algorithm': ['RS256', { ...RSA, alg: 'RS512' }],
  'an algorithm for encryption': ['RS256', { ...RSA, alg: 'RSA-OAEP' }],
  'a use for encryption': ['RS256', { ...RSA, use: 'enc' }],
  'operations for encryption': ['RS256', { ...RSA, use: undefined, key_ops: ['encrypt'] }],
  'an operation twice': ['RS256', { ...RSA, use: undefined, key_ops: ['verify', 'verify'] }],
  'another family': ['ES512', RSA],
  'no modulus': ['RS256', { ...RSA, n: undefined }],
  'an empty modulus': ['RS256', { ...RSA, n: '' }],
  'a short modulus': ['RS256', { ...RSA, n: RSA.n.slice(0, 128) }],
  'an exponent of 1': ['RS256', { ...RSA, e: 'AQ' }],
  'an exponent of 3': ['RS256', { ...RSA, e: 'Aw' }],
  'a modulus with a zero in front': [
    'RS256',
    { ...RSA, n: Buffer.concat([Buffer.alloc(1), Buffer.from(RSA.n, 'base64url')]).toString('base64url') },
  ],
  'a padded modulus': ['RS256', { ...RSA, n: `${RSA.n}==` }],
  'a modulus that is not text': ['RS256', { ...RSA, n: 7 }],
  'no second coordinate': ['ES512', { ...P521, y: undefined }],
  'the coordinates swapped': ['ES512', { ...P521, x: P521.y, y: P521.x }],
  'the point at zero': ['ES512', { ...P521, x: 'A'.repeat(88), y: 'A'.repeat(88) }],
  'another curve': ['ES512', { ...P521, crv: 'P-384' }],
  'an unknown curve': ['ES512', { ...P521, crv: 'secp256k1' }],
  'no curve': ['ES512', { ...P521, crv: undefined }],
  'a coordinate without its leading zero': [
    'ES512',
    { ...A4, y: Buffer.from(A4.y, 'base64url').subarray(1).toString('base64url') },
  ],
  'a secret that is too short': ['HS512', { ...SECRET, alg: 'HS512' }],
  'a secret that is not base64url': ['HS256', { ...SECRET, k: `${SECRET.k}=` }],
  'no secret': ['HS256', { ...SECRET, k: undefined }],
}

t.test('a JWK of the RFC is refused if it is for something else, weak or damaged', async (t) => {
  for (const [what, [algorithm, { kid: _, ...jwk }]] of Object.entries(WRONG_KEYS)) {
    const members = Object.fromEntries(Object.entries(jwk).filter(([, value]) => value !== undefined))
    t.throws(() => keyring(algorithm, [{ kid: 'a', key: members as never }]), { code: 'JWT_KIT_KEY' }, what)
  }
  for (const {
    algorithm,
    key: { kid: _, ...jwk },
  } of EXAMPLES)
    t.ok(keyring(algorithm, [{ kid: 'a', key: jwk }]))
})

t.test(
  'the signatures of the RFCs are canonical base64url, and other spellings of their bytes are not',
  async (t) => {
    for (const { signature } of EXAMPLES) {
      t.ok(isBase64url(signature))
      t.notOk(isBase64url(`${signature}=`))
      t.notOk(isBase64url(`${signature}\n`))
      t.notOk(isBase64url(` ${signature}`))
    }
  },
)
