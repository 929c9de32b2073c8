import { createHmac } from 'node:crypto'
import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { forge } from '@auth-primer/jwt-kit/testing'
import { jwtVerify } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import t, { type Test } from 'tap'
import { SECRET, serve } from '../../../test-support/social-api.ts'
import { AccessClaims } from '../src/auth/schemas.ts'

const ISSUER = 'social-api'
const keys = keyring('HS256', [{ kid: '1', key: SECRET }])
const access = tokenKind('access+jwt', { ttl: '30m', claims: AccessClaims })
// Signs with the service's own secret, also tokens that are not valid access tokens.
const kit = jwtKit({ issuer: ISSUER, keys, kinds: { access } })

t.test('access tokens are checked strictly', async (t) => {
  const { app, call, signUp } = await serve(t)
  const ann = await signUp('ann@example.com')
  const claims = { sub: String(ann.id), user_id: ann.id, role: 'user' } as const
  const now = Math.floor(Date.now() / 1000)
  const [header = '', payload = '', signature = ''] = ann.token.split('.')

  t.test('an access token has the header and the claims of the contract, and no others', async (t) => {
    t.same(read(header), { alg: 'HS256', typ: 'access+jwt', kid: '1' })
    const { iat, exp, jti, ...others } = read(payload) as { iat: number; exp: number; jti: string }
    t.same(others, { ...claims, iss: ISSUER })
    t.equal(exp - iat, 1800)
    t.ok(Number.isInteger(iat) && iat >= now - 60 && iat <= now)
    t.match(jti, /./)
    const again = await call('POST', '/login', {
      form: { username: 'ann@example.com', password: 'a good password' },
    })
    t.not(read(again.body.access_token.split('.')[1]).jti, jti, 'each token has its own id')
  })

  t.test('an access token that jwt-kit signs with the same secret is accepted', async (t) => {
    t.equal((await call('GET', '/users/me', { token: forge(kit.access, claims) })).status, 200)
  })

  const other = keyring('HS256', [{ kid: '1', key: `${SECRET}, but another` }])
  const bob = { ...claims, sub: '999', user_id: 999 }
  const rejected: Record<string, string> = {
    'signed with another secret': forge(kit.access, claims, { keys: other }),
    'without a signature': `${header}.${payload}.`,
    'that is cut short': ann.token.slice(0, -1),
    'with a missing part': `${header}.${payload}`,
    'with an additional part': `${ann.token}.${signature}`,
    'with a changed claim': `${header}.${write({ ...read(payload), user_id: 2, sub: '2' })}.${signature}`,
    'with a raised role': `${header}.${write({ ...read(payload), role: 'admin' })}.${signature}`,
    'with the algorithm none': `${write({ ...read(header), alg: 'none' })}.${payload}.`,
    'with another HMAC algorithm': hs512({ ...read(header), alg: 'HS512' }, read(payload)),
    'with a public-key algorithm': forge(kit.access, claims, { header: { alg: 'RS256' } }),
    'with an unknown key id': forge(kit.access, claims, { header: { kid: '2' } }),
    'with the key id constructor': forge(kit.access, claims, { header: { kid: 'constructor' } }),
    'of another kind': forge(kit.access, claims, { header: { typ: 'refresh+jwt' } }),
    'without a kind': forge(kit.access, claims, { header: { typ: undefined } }),
    'with a critical header that is not supported': forge(kit.access, claims, {
      header: { crit: ['b64'], b64: false },
    }),
    'that has expired': forge(kit.access, claims, { claims: { iat: now - 3600, exp: now - 1800 } }),
    'that expires in this second': forge(kit.access, claims, { claims: { iat: now - 1800, exp: now } }),
    'that never expires': forge(kit.access, claims, { claims: { exp: undefined } }),
    'with a time of issue in the future': forge(kit.access, claims, {
      claims: { iat: now + 600, exp: now + 1200 },
    }),
    'that is not valid yet': forge(kit.access, claims, { claims: { nbf: now + 600 } }),
    'of another issuer': forge(kit.access, claims, { claims: { iss: 'elsewhere' } }),
    'without an id': forge(kit.access, claims, { claims: { jti: undefined } }),
    'of a user who never existed': forge(kit.access, bob),
    'with two different users': forge(kit.access, claims, { claims: { sub: '2' } }),
    'with a user id that is text': forge(kit.access, claims, { claims: { user_id: String(ann.id) } }),
    'with a user id above the integers of Postgres': forge(kit.access, claims, {
      claims: { sub: '99999999999', user_id: 99_999_999_999 },
    }),
    'with an unknown role': forge(kit.access, claims, { claims: { role: 'root' } }),
    'with a payload that is not JSON': forge(kit.access, claims, { claims: 'user 1' }),
    'without any dots': 'not-a-token',
  }
  for (const [what, token] of Object.entries(rejected)) {
    t.test(`an access token ${what} is a 401 with a challenge`, async (t) => {
      const response = await call('POST', '/posts', { token, json: { title: 'a', content: 'b' } })
      t.match(response, { status: 401, body: { status: 401, code: 'TOKEN_INVALID', detail: String } })
      t.equal(response.headers.get('content-type')?.split(';')[0], 'application/problem+json')
      t.match(response.headers.get('www-authenticate'), /^Bearer .*error="invalid_token"/)
      t.notMatch(JSON.stringify(response.body), token)
    })
  }
  t.test('rejected access tokens write nothing', async (t) => {
    t.same(await app.knex('posts'), [])
    t.equal(
      (await call('POST', '/posts', { token: ann.token, json: { title: 'a', content: 'b' } })).status,
      201,
    )
  })

  t.test('the access token is checked before the body and the parameters', async (t) => {
    for (const [method, path] of [
      ['POST', '/posts'],
      ['PUT', '/posts/zero'],
      ['GET', '/posts?limit=none'],
      ['PUT', '/users/me/password'],
    ] as const) {
      const text = method === 'GET' ? {} : { text: '{', headers: { 'content-type': 'application/json' } }
      const response = await call(method, path, text)
      t.match(response, { status: 401, body: { code: 'NOT_AUTHENTICATED' } }, `${method} ${path}`)
      t.equal(response.headers.get('www-authenticate'), 'Bearer')
      t.not((await call(method, path, { ...text, token: ann.token })).status, 401)
    }
  })

  const challenges: [string, Record<string, string>, number, string, RegExp][] = [
    ['with another scheme', { authorization: 'Basic YTpi' }, 401, 'NOT_AUTHENTICATED', /^Bearer$/],
    ['without a token', { authorization: 'Bearer' }, 400, 'MALFORMED_REQUEST', /error="invalid_request"/],
    ['with two words', { authorization: 'Bearer a b' }, 400, 'MALFORMED_REQUEST', /error="invalid_request"/],
    [
      'with a scheme in mixed case',
      { authorization: 'bEARER x' },
      401,
      'TOKEN_INVALID',
      /error="invalid_token"/,
    ],
  ]
  for (const [what, headers, status, code, challenge] of challenges) {
    t.test(`an Authorization header ${what} is a ${status} ${code}`, async (t) => {
      const response = await call('GET', '/users/me', { headers })
      t.match(response, { status, body: { code } })
      t.match(response.headers.get('www-authenticate'), challenge)
    })
  }

  t.test('an access token is rejected after its user is deleted', async (t) => {
    const eve = await signUp('eve@example.com')
    t.equal((await call('GET', '/users/me', { token: eve.token })).status, 200)
    await app.knex('users').where({ id: eve.id }).delete()
    const response = await call('GET', '/users/me', { token: eve.token })
    t.match(response, { status: 401, body: { code: 'TOKEN_INVALID' } })
    t.equal(response.headers.get('www-authenticate'), 'Bearer error="invalid_token"')
    t.equal(
      (await call('GET', '/users/me', { token: ann.token })).status,
      200,
      'other users are not affected',
    )
  })

  t.test('an access token that another library signs is accepted only with the right secret', async (t) => {
    const { id } = ann
    const sign = (secret: string) =>
      jsonwebtoken.sign({ user_id: id, role: 'user' }, secret, {
        header: { alg: 'HS256', typ: 'access+jwt', kid: '1' },
        subject: String(id),
        issuer: 'social-api',
        jwtid: 'made-elsewhere-0001',
        expiresIn: '5m',
      })
    t.match(await call('GET', '/users/me', { token: sign(SECRET) }), { status: 200, body: { id } })
    t.match(await call('GET', '/users/me', { token: sign(`${SECRET}!`) }), { status: 401 })
  })
})

t.test('other libraries verify an access token with the secret as UTF-8', async (t) => {
  // Not ASCII, so that bytes and characters are not the same.
  const jwtSecret = `${SECRET}, même en français: ¡ñandú! 🔑`
  const { signUp, call } = await serve(t, { jwtSecret })
  const { id } = await signUp('maya@example.com')
  const form = { username: 'maya@example.com', password: 'a good password' }
  const before = Math.floor(Date.now() / 1000)
  const { body: login } = await call('POST', '/login', { form })
  const token: string = login.access_token
  const after = Math.floor(Date.now() / 1000)

  const check = (t: Test, { header, payload }: { header: object; payload: jsonwebtoken.JwtPayload }) => {
    t.same(header, { alg: 'HS256', typ: 'access+jwt', kid: '1' })
    const { iat = 0, exp = 0, jti, ...claims } = payload
    t.same(claims, { sub: String(id), user_id: id, role: 'user', iss: 'social-api' }, 'no other claims')
    t.ok(before <= iat && iat <= after, 'issued now')
    t.equal(exp - iat, login.expires_in)
    t.match(jti, /^\S{16,}$/)
  }

  const options = { algorithms: ['HS256'] as ['HS256'], issuer: 'social-api' }
  const bytes = new TextEncoder().encode(jwtSecret)

  t.test('jsonwebtoken verifies an access token', async (t) => {
    const verify = (secret: string | Buffer) =>
      jsonwebtoken.verify(token, secret, { ...options, complete: true })
    check(t, verify(jwtSecret) as jsonwebtoken.Jwt & { payload: jsonwebtoken.JwtPayload })
    t.same(verify(Buffer.from(bytes)), verify(jwtSecret), 'also with the secret as bytes')
    t.throws(() => verify(SECRET), { message: 'invalid signature' }, 'not with another secret')
  })

  t.test('jose verifies an access token', async (t) => {
    const { protectedHeader: header, payload } = await jwtVerify(token, bytes, {
      ...options,
      typ: 'access+jwt',
    })
    check(t, { header, payload: payload as jsonwebtoken.JwtPayload })
    const other = new TextEncoder().encode(SECRET)
    await t.rejects(jwtVerify(token, other, options), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
  })
})

function read(part: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(part, 'base64url').toString())
}

function write(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

function hs512(header: object, payload: object): string {
  const input = `${write(header)}.${write(payload)}`
  return `${input}.${createHmac('sha512', SECRET).update(input).digest('base64url')}`
}
