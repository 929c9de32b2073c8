import t from 'tap'
import { GENEROUS, serve } from '../../../test-support/social-api.ts'
import { readConfig } from '../src/config.ts'

const PASSWORD = 'a good password'

t.test('logins and sign-ups of one address do not keep a stranger from logging in', async (t) => {
  // At this cost, 80 passwords may wait.
  const { app, url, call } = await serve(t, { throttles: GENEROUS, bcryptCost: 13 })
  await call('POST', '/users', { json: { email: 'ana@example.com', password: PASSWORD } })

  const disconnect = new AbortController()
  const flood = Array.from({ length: 100 }, (_, index) =>
    fetch(url + (index % 2 ? '/users' : '/login'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        email: `${index}@example.com`,
        username: 'ana@example.com',
        password: PASSWORD,
      }),
      signal: disconnect.signal,
    }).catch(() => {}),
  )
  while (app.hasher.stats.overloaded === 0) await new Promise(setImmediate)
  const stranger = await app.inject({
    method: 'POST',
    url: '/login',
    remoteAddress: '192.0.2.1',
    payload: { username: 'ana@example.com', password: PASSWORD },
  })
  t.equal(stranger.statusCode, 200)
  t.ok(app.hasher.stats.waiting > 0, 'the others still wait')
  disconnect.abort()
  await Promise.all(flood)
})

t.test('with the default limits, 40 logins of one user at once from one address all get in', async (t) => {
  const { call, signUp } = await serve(t, { throttles: readConfig({}).throttles })
  await signUp('ana@example.com')
  const logins = Array.from({ length: 40 }, () =>
    call('POST', '/login', { form: { username: 'ana@example.com', password: PASSWORD } }),
  )
  const statuses = (await Promise.all(logins)).map(({ status }) => status)
  t.same(new Set(statuses), new Set([200]))
})
