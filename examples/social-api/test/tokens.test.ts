import { createHmac } from 'node:crypto'
import { jwtKit, keyring, tokenKind } from '@auth-primer/jwt-kit'
import { forge } from '@auth-primer/jwt-kit/testing'
import t from 'tap'
import { SECRET, serve } from '../../../test-support/social-api.ts'
import { AccessClaims } from '../src/auth/schemas.ts'

const ISSUER = 'social-api'
const keys = keyring('HS256', [{ kid: '1', key: SECRET }])
const access = tokenKind('access+jwt', { ttl: '30m', claims: AccessClaims })
// What the service's own secret can sign, and what it must not take for an access token all the same.
const kit = jwtKit({ issuer: ISSUER, keys, kinds: { access } })

t.test('a token', async (t) => {
  const { app, call, signUp } = await serve(t)
  const ann = await signUp('ann@example.com')
  const claims = { sub: String(ann.id), user_id: ann.id, role: 'user' } as const
  const now = Math.floor(Date.now() / 1000)
  const [header = '', payload = '', signature = ''] = ann.token.split('.')

  t.test('has the header and the claims of the contract, and no other', async (t) => {
    t.same(read(header), { alg: 'HS256', typ: 'access+jwt', kid: '1' })
    const { iat, exp, jti, ...others } = read(payload) as { iat: number; exp: number; jti: string }
    t.same(others, { ...claims, iss: ISSUER })
    t.equal(exp - iat, 1800)
    t.ok(Number.isInteger(iat) && iat >= now - 60 && iat <= now)
    t.match(jti, /./)
    const again = await call('POST', '/login', {
      form: { username: 'ann@example.com', password: 'a good password' },
    })
    t.not(read(again.body.access_token.split('.')[1]).jti, jti, 'each with an id of its own')
  })

  t.test('is good where any library made it with the same secret', async (t) => {
    t.equal((await call('GET', '/users/me', { token: forge(kit.access, claims) })).status, 200)
  })

  const other = keyring('HS256', [{ kid: '1', key: `${SECRET}, but another` }])
  const bob = { ...claims, sub: '999', user_id: 999 }
  const refused: Record<string, string> = {
    'signed with another secret': forge(kit.access, claims, { keys: other }),
    'without a signature': `${header}.${payload}.`,
    cut: ann.token.slice(0, -1),
    'with one part too few': `${header}.${payload}`,
    'with one part too many': `${ann.token}.${signature}`,
    'with a claim changed': `${header}.${write({ ...read(payload), user_id: 2, sub: '2' })}.${signature}`,
    'whose role was raised': `${header}.${write({ ...read(payload), role: 'admin' })}.${signature}`,
    'of the algorithm none': `${write({ ...read(header), alg: 'none' })}.${payload}.`,
    'of another HMAC': hs512({ ...read(header), alg: 'HS512' }, read(payload)),
    'of an algorithm of public keys': forge(kit.access, claims, { header: { alg: 'RS256' } }),
    'of a key that is not known': forge(kit.access, claims, { header: { kid: '2' } }),
    'of a key called constructor': forge(kit.access, claims, { header: { kid: 'constructor' } }),
    'of another kind': forge(kit.access, claims, { header: { typ: 'refresh+jwt' } }),
    'of no kind': forge(kit.access, claims, { header: { typ: undefined } }),
    'that demands what is not understood': forge(kit.access, claims, {
      header: { crit: ['b64'], b64: false },
    }),
    'that has expired': forge(kit.access, claims, { claims: { iat: now - 3600, exp: now - 1800 } }),
    'that expires at this second': forge(kit.access, claims, { claims: { iat: now - 1800, exp: now } }),
    'that never expires': forge(kit.access, claims, { claims: { exp: undefined } }),
    'from the future': forge(kit.access, claims, { claims: { iat: now + 600, exp: now + 1200 } }),
    'that is not valid yet': forge(kit.access, claims, { claims: { nbf: now + 600 } }),
    'of another issuer': forge(kit.access, claims, { claims: { iss: 'elsewhere' } }),
    'without an id': forge(kit.access, claims, { claims: { jti: undefined } }),
    'of a user who never was': forge(kit.access, bob),
    'of two users': forge(kit.access, claims, { claims: { sub: '2' } }),
    'whose user is text': forge(kit.access, claims, { claims: { user_id: String(ann.id) } }),
    'whose user is beyond Postgres’s integers': forge(kit.access, claims, {
      claims: { sub: '99999999999', user_id: 99_999_999_999 },
    }),
    'of a role that there is not': forge(kit.access, claims, { claims: { role: 'root' } }),
    'whose payload is no JSON': forge(kit.access, claims, { claims: 'user 1' }),
    'that is no token': 'not-a-token',
  }
  for (const [what, token] of Object.entries(refused)) {
    t.test(`${what} is refused, with the challenge and nothing done`, async (t) => {
      const answer = await call('POST', '/posts', { token, json: { title: 'a', content: 'b' } })
      t.match(answer, { status: 401, body: { status: 401, code: 'TOKEN_INVALID', detail: String } })
      t.equal(answer.headers.get('content-type')?.split(';')[0], 'application/problem+json')
      t.match(answer.headers.get('www-authenticate'), /^Bearer .*error="invalid_token"/)
      t.notMatch(JSON.stringify(answer.body), token)
    })
  }
  t.test('none of them wrote anything', async (t) => {
    t.same(await app.knex('posts'), [])
    t.equal(
      (await call('POST', '/posts', { token: ann.token, json: { title: 'a', content: 'b' } })).status,
      201,
    )
  })

  t.test('is asked for before the body and the parameters are looked at', async (t) => {
    for (const [method, path] of [
      ['POST', '/posts'],
      ['PUT', '/posts/zero'],
      ['GET', '/posts?limit=none'],
      ['PUT', '/users/me/password'],
    ] as const) {
      const text = method === 'GET' ? {} : { text: '{', headers: { 'content-type': 'application/json' } }
      const answer = await call(method, path, text)
      t.match(answer, { status: 401, body: { code: 'NOT_AUTHENTICATED' } }, `${method} ${path}`)
      t.equal(answer.headers.get('www-authenticate'), 'Bearer')
      t.not((await call(method, path, { ...text, token: ann.token })).status, 401)
    }
  })

  const challenges: [string, Record<string, string>, number, string, RegExp][] = [
    ['of another scheme', { authorization: 'Basic YTpi' }, 401, 'NOT_AUTHENTICATED', /^Bearer$/],
    ['without a token', { authorization: 'Bearer' }, 400, 'MALFORMED_REQUEST', /error="invalid_request"/],
    ['with two words', { authorization: 'Bearer a b' }, 400, 'MALFORMED_REQUEST', /error="invalid_request"/],
    ['of any case', { authorization: 'bEARER x' }, 401, 'TOKEN_INVALID', /error="invalid_token"/],
  ]
  for (const [what, headers, status, code, challenge] of challenges) {
    t.test(`an Authorization header ${what} is answered ${status} ${code}`, async (t) => {
      const answer = await call('GET', '/users/me', { headers })
      t.match(answer, { status, body: { code } })
      t.match(answer.headers.get('www-authenticate'), challenge)
    })
  }

  t.test('ends with its user', async (t) => {
    const eve = await signUp('eve@example.com')
    t.equal((await call('GET', '/users/me', { token: eve.token })).status, 200)
    await app.knex('users').where({ id: eve.id }).delete()
    const answer = await call('GET', '/users/me', { token: eve.token })
    t.match(answer, { status: 401, body: { code: 'TOKEN_INVALID' } })
    t.match(answer.headers.get('www-authenticate'), /error="invalid_token"/)
    t.equal((await call('GET', '/users/me', { token: ann.token })).status, 200, 'and with no other')
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
