import { jwtVerify } from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import t, { type Test } from 'tap'
import { SECRET, serve } from '../../../test-support/social-api.ts'

t.test('other libraries verify a token of ours, given the secret as UTF-8', async (t) => {
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
    t.same(claims, { sub: String(id), user_id: id, role: 'user', iss: 'social-api' }, 'and no other')
    t.ok(before <= iat && iat <= after, 'issued just now')
    t.equal(exp - iat, login.expires_in)
    t.match(jti, /^\S{16,}$/)
  }

  const options = { algorithms: ['HS256'] as ['HS256'], issuer: 'social-api' }
  const bytes = new TextEncoder().encode(jwtSecret)

  t.test('jsonwebtoken', async (t) => {
    const verify = (secret: string | Buffer) =>
      jsonwebtoken.verify(token, secret, { ...options, complete: true })
    check(t, verify(jwtSecret) as jsonwebtoken.Jwt & { payload: jsonwebtoken.JwtPayload })
    t.same(verify(Buffer.from(bytes)), verify(jwtSecret), 'as bytes, too')
    t.throws(() => verify(SECRET), { message: 'invalid signature' }, 'and not with another secret')
  })

  t.test('jose', async (t) => {
    const { protectedHeader: header, payload } = await jwtVerify(token, bytes, {
      ...options,
      typ: 'access+jwt',
    })
    check(t, { header, payload: payload as jsonwebtoken.JwtPayload })
    const other = new TextEncoder().encode(SECRET)
    await t.rejects(jwtVerify(token, other, options), { code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED' })
  })
})

t.test(
  'a token that another library made with the secret is one of ours, and with another secret is not',
  async (t) => {
    const { signUp, call } = await serve(t)
    const { id } = await signUp('maya@example.com')
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
  },
)
