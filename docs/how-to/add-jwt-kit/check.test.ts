import { randomBytes } from 'node:crypto'
import { forge } from '@auth-primer/jwt-kit/testing'
import t from 'tap'
import { buildApp } from './app.ts'
import { makeKit } from './kit.ts'

const kit = makeKit(randomBytes(32).toString('base64url'))
const app = await buildApp(kit, async (_email, password) =>
  password === 'right' ? { id: 7, role: 'user' } : undefined,
)
t.teardown(() => app.close())
const logIn = (password: string) =>
  app.inject({ method: 'POST', url: '/login', body: { email: 'ada@example.com', password } })
const me = (token?: string) =>
  app.inject({ url: '/me', headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })

t.test('a token from the login identifies its user', async (t) => {
  const { access_token, expires_in } = (await logIn('right')).json()
  t.equal(expires_in, 1800)
  t.same((await me(access_token)).json(), { id: 7, role: 'user' })
})

t.test('a wrong password gets no token, and no token or an expired one gets no user', async (t) => {
  t.equal((await logIn('wrong')).statusCode, 403)
  t.equal((await me()).headers['www-authenticate'], 'Bearer')
  const expired = forge(kit.access, { sub: '7', role: 'admin' }, { claims: { exp: 1 } })
  t.equal((await me(expired)).statusCode, 401)
  t.equal(
    (
      await me(
        makeKit('s'.repeat(9) + randomBytes(24).toString('hex')).access.sign({ sub: '7', role: 'admin' }),
      )
    ).statusCode,
    401,
  )
})
