import { createPrivateKey, createSecretKey, type KeyObject, sign } from 'node:crypto'
import t from 'tap'
import { ALGORITHM_SPECS, type Algorithm } from '../src/algorithms.ts'
import { parseObject } from '../src/encoding.ts'
import { explainToken, keyring, thumbprint } from '../src/index.ts'
import { readKey } from '../src/key-material.ts'
import { readRingKeys } from '../src/keyring.ts'
import { makeKit } from './support.ts'

// The payload of RFC 7515 A.1 to A.3, and of RFC 7519 §3.1.
const PAYLOAD =
  'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'
const CLAIMS = { iss: 'joe', exp: 1300819380, 'http://example.com/is_root': true }

const A1 = {
  key: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
  token: `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`,
}
const A2 = {
  key: {
    kty: 'RSA',
    n: 'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ',
    e: 'AQAB',
    d: 'Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ',
    p: '4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmnPGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc',
    q: 'uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-TnBA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc',
    dp: 'BwKfV3Akq5_MFZDFZCnW-wzl-CCo83WoZvnLQwCTeDv8uzluRSnm71I3QCLdhrqE2e9YkxvuxdBfpT_PI7Yz-FOKnu1R6HsJeDCjn12Sk3vmAktV2zb34MCdy7cpdTh_YVr7tss2u6vneTwrA86rZtu5Mbr1C1XsmvkxHQAdYo0',
    dq: 'h_96-mK1R_7glhsum81dZxjTnYynPbZpHziZjeeHcXYsXaaMwkOlODsWa7I9xXDoRwbKgB719rrmI2oKr6N3Do9U0ajaHF-NKJnwgjMd2w9cjz3_-kyNlxAr2v4IKhGNpmM5iIgOS1VZnOZ68m6_pbLBSp3nssTdlqvd0tIiTHU',
    qi: 'IYd7DHOhrWvxkwPQsRM2tOgrjbcrfvtQJipd-DlcxyVuuM9sQLdgjVk2oy26F0EmpScGLq2MowX7fhd_QJQ3ydy5cY7YIBi87w93IKLEdfnbJtoOPLUW0ITrJReOgo1cq9SbsxYawBgfp_gh6A5603k2-ZQwVK0JKSHuLFkuQ3U',
  },
  token: `eyJhbGciOiJSUzI1NiJ9.${PAYLOAD}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw`,
}
const A3 = {
  key: {
    kty: 'EC',
    crv: 'P-256',
    x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
    y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    d: 'jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI',
  },
  token: `eyJhbGciOiJFUzI1NiJ9.${PAYLOAD}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`,
}
const RFC8037 = {
  key: {
    kty: 'OKP',
    crv: 'Ed25519',
    d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
    x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  },
  input: 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc',
  signature: 'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
}

const secret = createSecretKey(Buffer.from(A1.key, 'base64url'))
const publicKey = (algorithm: Algorithm, key: object) => readKey(algorithm, 'a', { key }).verificationKey

/** Verifies a token with nothing but its key. */
function hasSigned(algorithm: Algorithm, key: KeyObject, token: string): boolean {
  const end = token.lastIndexOf('.')
  return ALGORITHM_SPECS[algorithm].createVerifier(key)(token.slice(0, end), token.slice(end + 1))
}

for (const [name, algorithm, token, key] of [
  ['RFC 7515 A.1, which is RFC 7519 §3.1', 'HS256', A1.token, secret],
  ['RFC 7515 A.2', 'RS256', A2.token, publicKey('RS256', A2.key)],
  ['RFC 7515 A.3', 'ES256', A3.token, publicKey('ES256', A3.key)],
] as const) {
  t.test(`${name}: verifies, and with any other signature does not`, async (t) => {
    t.ok(hasSigned(algorithm, key, token))
    const [header, payload, signature] = token.split('.') as [string, string, string]
    const other = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
    t.notOk(hasSigned(algorithm, key, `${header}.${payload}.${other}`))
    t.notOk(hasSigned(algorithm, key, `${header}.${payload}.${signature.slice(0, -4)}`), 'nor a shorter one')
    t.notOk(hasSigned(algorithm, key, `${header}.${payload}.${signature}AAAA`), 'nor a longer one')
    t.same(parseObject(payload), CLAIMS)
    const { parts, claims } = explainToken(token)
    t.same(
      parts.map((part) => token.slice(part.start, part.end)),
      [header, payload, signature],
    )
    t.same(
      Object.fromEntries(
        claims.filter((claim) => claim.part === 'payload').map((claim) => [claim.name, claim.value]),
      ),
      CLAIMS,
    )
  })

  t.test(`${name}: a kit refuses it, since it says of no kind that it is one`, async (t) => {
    const ring =
      algorithm === 'HS256'
        ? undefined
        : keyring(algorithm, [{ kid: 'a', key: algorithm === 'RS256' ? A2.key : A3.key }])
    await t.rejects(makeKit(ring).kit.access.verify(token), { code: 'JWT_KIT_WRONG_KIND' })
  })
}

t.test('RFC 7515 A.1: a kit does not take the key, which the whole world knows', async (t) => {
  t.throws(() => keyring('HS256', [{ kid: 'a', key: { kty: 'oct', k: A1.key } }]), { code: 'JWT_KIT_KEY' })
})

t.test('RFC 7515 A.2: the key signs what the RFC says', async (t) => {
  const [key] = readRingKeys(keyring('RS256', [{ kid: 'a', key: A2.key }])).values()
  const input = A2.token.slice(0, A2.token.lastIndexOf('.'))
  t.equal(
    sign('sha256', Buffer.from(input), key?.signingKey as never).toString('base64url'),
    A2.token.split('.')[2],
  )
})

t.test('RFC 7515 A.2 and A.3: the public halves are exported as the RFC has them', async (t) => {
  const { n, e } = A2.key
  const rsa = keyring('RS256', [{ kid: 'a', key: A2.key }]).jwks().keys
  t.same(rsa, [{ kty: 'RSA', n, e, kid: 'a', alg: 'RS256', use: 'sig' }])
  const { x, y } = A3.key
  const ec = keyring('ES256', [{ kid: 'a', key: A3.key }]).jwks().keys
  t.same(ec, [{ kty: 'EC', crv: 'P-256', x, y, kid: 'a', alg: 'ES256', use: 'sig' }])
})

t.test('RFC 7519 §6.1: an unsecured token is refused', async (t) => {
  const token = `eyJhbGciOiJub25lIn0.${PAYLOAD}.`
  await t.rejects(makeKit().kit.access.verify(token), { code: 'JWT_KIT_ALGORITHM' })
})

t.test('RFC 7519 A.1: an encrypted token has five parts, and is refused', async (t) => {
  await t.rejects(
    makeKit().kit.access.verify('eyJhbGciOiJSU0ExXzUiLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0.QR1O.AxY8.MKOl.fiK5'),
    { code: 'JWT_KIT_MALFORMED' },
  )
})

t.test('RFC 8037 A.4 and A.5: the key signs and verifies what the RFC says', async (t) => {
  const [key] = readRingKeys(keyring('EdDSA', [{ kid: 'a', key: RFC8037.key }])).values()
  const signature = Buffer.from(RFC8037.signature, 'base64url')
  t.same(sign(null, Buffer.from(RFC8037.input), key?.signingKey as never), signature)
  const half = key?.verificationKey as KeyObject
  t.ok(hasSigned('EdDSA', half, `${RFC8037.input}.${RFC8037.signature}`))
  const claims = `eyJhbGciOiJFZERTQSJ9.${PAYLOAD}`
  const signed = sign(
    null,
    Buffer.from(claims),
    createPrivateKey({ key: RFC8037.key, format: 'jwk' }),
  ).toString('base64url')
  t.ok(hasSigned('Ed25519', half, `${claims}.${signed}`))
  t.notOk(hasSigned('Ed25519', half, `${claims}.${RFC8037.signature}`))
})

t.test('RFC 8037 A.2 and A.3: the public half is exported, with the thumbprint of the RFC', async (t) => {
  const [half] = keyring('EdDSA', [{ kid: 'a', key: RFC8037.key }]).jwks().keys
  t.match(half, { kty: 'OKP', crv: 'Ed25519', x: RFC8037.key.x })
  t.equal(thumbprint(half ?? {}), 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
})
