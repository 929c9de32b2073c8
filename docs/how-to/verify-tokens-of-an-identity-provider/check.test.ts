import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SignJWT } from 'jose'
import t, { type Test } from 'tap'
import { buildApp } from './app.ts'
import * as auth0 from './auth0.ts'
import * as cognito from './cognito.ts'
import * as google from './google.ts'
import * as keycloak from './keycloak.ts'

// Key sets and tokens in the form that the providers document, signed with keys of this test.

interface ProviderKey {
  readonly privateKey: KeyObject
  readonly jwk: { kid: string; [member: string]: unknown }
}

function makeKey(kid: string, members: object = {}): ProviderKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256', ...members }
  return { privateKey, jwk }
}

function sign({ privateKey, jwk }: ProviderKey, payload: object, header: object = {}): Promise<string> {
  return new SignJWT({ ...payload })
    .setProtectedHeader({ alg: 'RS256', kid: jwk.kid, ...header })
    .sign(privateKey)
}

/** Starts a provider's server. Its key set is at `path`, and every other path is its login page. */
async function serve(t: Test, path: string, keys: ProviderKey[]): Promise<string> {
  const set = JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })
  const server = createServer((request, response) =>
    request.url === path
      ? response.setHeader('content-type', 'application/json; charset=utf-8').end(set)
      : response.setHeader('content-type', 'text/html').end('<!doctype html><title>Log in</title>'),
  ).listen(0, '127.0.0.1')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const now = Math.floor(Date.now() / 1000)
const times = { iat: now, exp: now + 3600 }

t.test('Auth0: an access token of either profile is accepted, and an ID token is not', async (t) => {
  const keys = [
    makeKey('NjVBRjY5MDlCMUIwNzU4RTA2QzZFMDQ4QzQ2MDAyQjVDNjk1RTM2Qg'),
    makeKey('nextKeyOfTheTenant-01'),
  ]
  const [key, next] = keys as [ProviderKey, ProviderKey]
  Object.assign(key.jwk, { x5c: ['MIIDBTCCAe2gAwIBAgIJ'], x5t: 'NjVBRjY5MDlCMUIwNzU4RTA2' })
  const origin = await serve(t, '/.well-known/jwks.json', keys)
  const issuer = 'https://shop.eu.auth0.com/'
  const provider = auth0.makeVerifier(issuer, `${origin}/.well-known/jwks.json`)
  const standard = {
    iss: issuer,
    sub: 'auth0|6550f0c1a2b3c4d5e6f70819',
    aud: ['https://api.shop.example', 'https://shop.eu.auth0.com/userinfo'],
    ...times,
    azp: 'mYcLiEnT1dOfThEsHoPwEb2345678901',
    scope: 'openid profile read:orders',
    permissions: ['read:orders'],
  }
  const token = await sign(key, standard, { typ: 'JWT' })
  t.match(await provider.verify(token), { sub: standard.sub, permissions: ['read:orders'] })
  t.ok(await provider.verify(await sign(next, { ...standard, jti: randomUUID() }, { typ: 'at+jwt' })))

  const { scope: _, permissions: __, ...rest } = standard
  const idToken = { ...rest, aud: standard.azp, nonce: 'x', email: 'ada@example.com' }
  await t.rejects(provider.verify(await sign(key, idToken, { typ: 'JWT' })), {
    code: 'JWT_KIT_WRONG_AUDIENCE',
  })
  const noSlash = await sign(key, { ...standard, iss: 'https://shop.eu.auth0.com' }, { typ: 'JWT' })
  await t.rejects(provider.verify(noSlash), { code: 'JWT_KIT_WRONG_ISSUER' })

  const app = buildApp(provider)
  const me = (authorization: string) => app.inject({ url: '/me', headers: { authorization } })
  t.same((await me(`Bearer ${token}`)).json(), { id: standard.sub })
  t.equal((await me('Bearer abc')).statusCode, 401)
})

t.test(
  'Cognito: an access token without aud is accepted, and an ID token or another client’s is not',
  async (t) => {
    const path = '/eu-central-1_Ab1Cd2Ef3/.well-known/jwks.json'
    const keys = [
      makeKey('9G6yC0xkB2k1qM/cQyQ+0eXkq3u7r8nG1o2cYqz4b5A='),
      makeKey('x+Yz/1bQm0Pp7qkF2uQkq3u7r8nG1o2cYqz4b5A5cd8='),
    ]
    const [key, other] = keys as [ProviderKey, ProviderKey]
    const origin = await serve(t, path, keys)
    const issuer = 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Ab1Cd2Ef3'
    const clientId = '1example23456789'
    const provider = cognito.makeVerifier(issuer, origin + path, clientId)
    const standard = {
      sub: randomUUID(),
      'cognito:groups': ['staff'],
      iss: issuer,
      version: 2,
      client_id: clientId,
      origin_jti: randomUUID(),
      event_id: randomUUID(),
      token_use: 'access',
      scope: 'openid orders/read',
      auth_time: now,
      ...times,
      jti: randomUUID(),
      username: 'ada',
    }
    const verified = await provider.verify(await sign(key, standard))
    t.same(verified['cognito:groups'], ['staff'])
    t.ok(await provider.verify(await sign(other, standard)))

    const { client_id: _, scope: __, ...rest } = standard
    const idToken = { ...rest, token_use: 'id', aud: clientId, 'cognito:username': 'ada' }
    await t.rejects(provider.verify(await sign(key, idToken)), { code: 'JWT_KIT_WRONG_AUDIENCE' })
    await t.rejects(provider.verify(await sign(key, { ...standard, token_use: 'id' })), {
      code: 'JWT_KIT_CLAIMS',
      claim: 'token_use',
    })
    await t.rejects(provider.verify(await sign(key, { ...standard, client_id: 'another' })), {
      code: 'JWT_KIT_CLAIMS',
      claim: 'client_id',
    })
  },
)

t.test(
  'Keycloak: the encryption key in the set is ignored, and azp and the list in aud are checked',
  async (t) => {
    const path = '/realms/shop/protocol/openid-connect/certs'
    const certificate = { x5c: ['MIIClTCCAX0CBgGL'], x5t: 'Yv1bQ', 'x5t#S256': 'g0Kq3u7r' }
    const key = makeKey('FJ86GcF3jTbNLOco4NvZkUCIUmfYCqoqtOQeMfbhNlE', certificate)
    const encryption = makeKey('kQ1bQm0Pp7qkF2uQkq3u7r8nG1o2cYqz4b5A5cd8W7w', {
      use: 'enc',
      alg: 'RSA-OAEP',
      ...certificate,
    })
    const origin = await serve(t, path, [encryption, key])
    const issuer = 'https://id.shop.example/realms/shop'
    const provider = keycloak.makeVerifier(issuer, origin + path)
    const roles = Array.from({ length: 200 }, (_, at) => `orders-department-${at}-manager`)
    const standard = {
      ...times,
      jti: `onrtac:${randomUUID()}`,
      iss: issuer,
      aud: ['shop-api', 'account'],
      sub: randomUUID(),
      typ: 'Bearer',
      azp: 'shop-web',
      sid: randomUUID(),
      acr: '1',
      'allowed-origins': ['https://shop.example'],
      realm_access: { roles },
      resource_access: { account: { roles: ['manage-account'] } },
      scope: 'openid email profile',
      email_verified: true,
      preferred_username: 'ada',
    }
    const header = { typ: 'JWT' }
    const token = await sign(key, standard, header)
    t.ok(token.length > 8192)
    t.same((await provider.verify(token)).realm_access?.roles, roles)

    await t.rejects(provider.verify(await sign(encryption, standard, header)), {
      code: 'JWT_KIT_UNKNOWN_KEY',
    })
    await t.rejects(provider.verify(await sign(key, { ...standard, azp: 'other' }, header)), {
      code: 'JWT_KIT_CLAIMS',
      claim: 'azp',
    })
    for (const typ of ['ID', 'Refresh', 'Offline'])
      await t.rejects(provider.verify(await sign(key, { ...standard, typ }, header)), {
        code: 'JWT_KIT_CLAIMS',
        claim: 'typ',
      })
    await t.rejects(provider.verify(await sign(key, { ...standard, aud: 'account' }, header)), {
      code: 'JWT_KIT_WRONG_AUDIENCE',
    })
  },
)

t.test(
  'Google: an ID token with either spelling of the issuer is accepted, but only for your clients',
  async (t) => {
    const path = '/oauth2/v3/certs'
    const keys = ['b2620d5e7f132b52afe8875cdf3776c064249d04', '1dc0f172e8d6ef382d6d3a231f6c197dd68ce5ef'].map(
      (kid) => makeKey(kid),
    )
    const [key] = keys as [ProviderKey]
    const clientIds = ['1234-web.apps.googleusercontent.com', '1234-ios.apps.googleusercontent.com']
    const provider = google.makeVerifier((await serve(t, path, keys)) + path, clientIds)
    const standard = {
      iss: 'https://accounts.google.com',
      azp: clientIds[0],
      aud: clientIds[0],
      sub: '110169484474386276334',
      hd: 'shop.example',
      email: 'ada@shop.example',
      email_verified: true,
      at_hash: 'HK6E_P6Dh8Y93mRNtsDB1Q',
      ...times,
    }
    const header = { typ: 'JWT' }
    for (const iss of ['https://accounts.google.com', 'accounts.google.com'])
      t.match(await provider.verify(await sign(key, { ...standard, iss }, header)), {
        email: 'ada@shop.example',
      })
    t.ok(await provider.verify(await sign(key, { ...standard, aud: clientIds[1] }, header)))
    await t.rejects(provider.verify(await sign(key, { ...standard, aud: 'another-client' }, header)), {
      code: 'JWT_KIT_WRONG_AUDIENCE',
    })
    await t.rejects(
      provider.verify(await sign(key, { ...standard, iss: 'https://accounts.google.com/' }, header)),
      {
        code: 'JWT_KIT_WRONG_ISSUER',
      },
    )
  },
)

t.test('a URL that shows a login page instead of the key set is a 503', async (t) => {
  const key = makeKey('k')
  const origin = await serve(t, '/jwks', [key])
  const provider = auth0.makeVerifier('https://shop.eu.auth0.com/', `${origin}/login`)
  const payload = { iss: 'https://shop.eu.auth0.com/', sub: '7', aud: 'https://api.shop.example', ...times }
  await t.rejects(provider.verify(await sign(key, payload, { typ: 'JWT' })), {
    code: 'JWT_REMOTE_INVALID_JWKS',
    statusCode: 503,
  })
})
