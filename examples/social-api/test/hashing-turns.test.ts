import t from 'tap'
import { GENEROUS, serve } from '../../../test-support/social-api.ts'
import { readConfig } from '../src/config.ts'

const PASSWORD = 'a good password'

t.test('logins and sign-ups of one address do not keep a stranger from logging in', async (t) => {
  const { app, signUp } = await serve(t, { throttles: GENEROUS })
  await signUp('ana@example.com')
  await signUp('flood@example.com')
  const post = async (url: string, remoteAddress: string, payload: object) =>
    (await app.inject({ method: 'POST', url, remoteAddress, payload })).statusCode
  const logIn = (username: string, address: string) =>
    post('/login', address, { username, password: PASSWORD })

  const flood = Array.from({ length: 600 }, (_, index) =>
    index % 2 === 0
      ? logIn('flood@example.com', '192.0.2.1')
      : post('/users', '192.0.2.1', { email: `user${index}@example.com`, password: PASSWORD }),
  )
  while (app.hasher.stats.overloaded === 0) await new Promise(setImmediate)
  t.equal(await logIn('ana@example.com', '192.0.2.2'), 200)
  t.ok(app.hasher.stats.waiting > 0, 'others still wait')
  const statuses = await Promise.all(flood)
  t.same(new Set(statuses), new Set([200, 201, 503]))
})

t.test('with the default limits, 40 logins of one user at once from one address all get in', async (t) => {
  const { app, signUp } = await serve(t, { throttles: readConfig({}).throttles })
  await signUp('ana@example.com')
  const logins = Array.from({ length: 40 }, () =>
    app.inject({
      method: 'POST',
      url: '/login',
      payload: { username: 'ana@example.com', password: PASSWORD },
    }),
  )
  const statuses = (await Promise.all(logins)).map(({ statusCode }) => statusCode)
  t.same(new Set(statuses), new Set([200]))
})
