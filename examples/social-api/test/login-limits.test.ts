import { mock } from 'node:test'
import t, { type Test } from 'tap'
import { GENEROUS, serve } from '../../../test-support/social-api.ts'

// Time passes only when a test advances it.
mock.timers.enable({ apis: ['Date'], now: Date.now() })
t.teardown(() => mock.timers.reset())

const PASSWORD = 'a good password'

async function setUp(t: Test, throttles: Partial<typeof GENEROUS>) {
  const service = await serve(t, { throttles: { ...GENEROUS, ...throttles } })
  const logIn = async (username: string, password: string, remoteAddress = '192.0.2.1') => {
    const { statusCode, headers, body } = await service.app.inject({
      method: 'POST',
      url: '/login',
      remoteAddress,
      payload: { username, password },
    })
    return { status: statusCode, retryAfter: headers['retry-after'], body: JSON.parse(body) }
  }
  const signUp = (email: string) => service.call('POST', '/users', { json: { email, password: PASSWORD } })
  return { ...service, logIn, signUp }
}

t.test('failed logins are limited', async (t) => {
  const { logIn, signUp } = await setUp(t, { failedLoginsPerAccount: 4 })
  await signUp('ana@example.com')

  t.test('failed logins get the same responses whether or not the account exists', async (t) => {
    const responses = async (email: string) => {
      const seen = []
      for (let count = 0; count < 7; count++) {
        const { status, retryAfter, body } = await logIn(email, 'wrong', `192.0.2.${count % 2}`)
        seen.push({ status, retryAfter, ...body, instance: undefined })
      }
      return seen
    }
    const known = await responses('ana@example.com')
    t.same(
      known.map(({ status }) => status),
      [403, 403, 403, 403, 403, 429, 429],
    )
    t.match(known.at(-1), { code: 'TOO_MANY_REQUESTS', retryAfter: '1' })
    t.same(await responses('nobody@example.com'), known)
  })

  t.test('after too many failed logins, a correct password is a 429 too', async (t) => {
    t.equal((await logIn('ana@example.com', PASSWORD)).status, 429)
  })

  t.test('all spellings of an email share one count, and another email has its own', async (t) => {
    const ways = [
      'ÉVA@example.com',
      'éva@example.com',
      'Éva@EXAMPLE.com',
      'éVA@Example.Com',
      'éva@example.com',
    ]
    const statuses = []
    for (const [index, email] of [...ways, ...ways.slice(0, 2)].entries())
      statuses.push((await logIn(email, 'wrong', `198.51.100.${index}`)).status)
    t.same(statuses, [403, 403, 403, 403, 403, 429, 429])
    t.equal((await logIn('eva@example.com', 'wrong')).status, 403)
  })
})

t.test('wrong current passwords in a password change are counted with failed logins', async (t) => {
  const { app, logIn, signUp } = await setUp(t, { failedLoginsPerAccount: 4 })
  await signUp('ana@example.com')
  const { body } = await logIn('ana@example.com', PASSWORD)
  const change = async (current_password: string) => {
    const { statusCode } = await app.inject({
      method: 'PUT',
      url: '/users/me/password',
      remoteAddress: '192.0.2.1',
      headers: { authorization: `Bearer ${body.access_token}` },
      payload: { current_password, new_password: 'a better password' },
    })
    return statusCode
  }
  t.equal(await change('wrong'), 403)
  t.equal(await change('wrong'), 403)
  t.equal((await logIn('ANA@example.com', 'wrong')).status, 403)
  t.equal(await change('wrong'), 429)
  t.equal(await change(PASSWORD), 429)
  t.equal((await logIn('ana@example.com', PASSWORD)).status, 429)
})

t.test('each address has a limit on sign-ups', async (t) => {
  const { app, logIn } = await setUp(t, { signUpsPerMinute: 2 })
  const signUp = (email: string, remoteAddress = '192.0.2.1') =>
    app.inject({ method: 'POST', url: '/users', payload: { email, password: PASSWORD }, remoteAddress })
  t.equal((await signUp('no address')).statusCode, 422)
  t.equal((await signUp('ana@example.com')).statusCode, 201)
  t.equal((await signUp('ana@example.com')).statusCode, 409)
  const rejected = await signUp('ben@example.com')
  t.match(rejected.json(), { status: 429, code: 'TOO_MANY_REQUESTS' })
  const seconds = Number(rejected.headers['retry-after'])
  t.ok(seconds > 50 && seconds <= 60, String(seconds))
  t.equal((await logIn('ana@example.com', PASSWORD)).status, 200, 'logins are not affected')
  t.equal((await signUp('ben@example.com', '192.0.2.2')).statusCode, 201, 'other addresses are not affected')
  await app.knex.raw('UPDATE rate_limits SET expire = expire - 60000')
  t.equal((await signUp('cora@example.com')).statusCode, 201, 'a minute later')
})

t.test('sign-ups are not limited if their limit is 0', async (t) => {
  const { app } = await setUp(t, { signUpsPerMinute: 0 })
  for (let count = 0; count < 3; count++) {
    const payload = { email: `user${count}@example.com`, password: PASSWORD }
    t.equal((await app.inject({ method: 'POST', url: '/users', payload })).statusCode, 201)
  }
})

t.test('a test suite that truncates the tables between its tests passes twenty times in a row', async (t) => {
  // A fifth of the default limits, and a fifth of the hashing.
  const { call, app, signUp } = await serve(t, {
    throttles: { ...GENEROUS, failedLoginsPerAccount: 4, failedLoginsPerAddress: 20, signUpsPerMinute: 10 },
  })
  const logIn = async (password: string) =>
    (await call('POST', '/login', { form: { username: 'ana@example.com', password } })).status
  for (let run = 0; run < 20; run++) {
    await app.knex.raw('TRUNCATE users, posts, votes RESTART IDENTITY CASCADE')
    t.equal((await signUp('ana@example.com')).id, 1)
    t.same([await logIn('wrong'), await logIn('wrong')], [403, 403])
  }
})
